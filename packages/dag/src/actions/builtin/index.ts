import type { Action } from '../action.ts';
import { healthcheckVerify } from './health.ts';
import {
  hostClone,
  hostCommand,
  hostDescribe,
  hostFindPeer,
  hostQuery,
  hostReboot,
  hostSetState,
  hostTerminate,
} from './host.ts';
import { httpCall, httpGet } from './http.ts';
import { loadBalancerAdd, loadBalancerRemove, loadBalancerStatus } from './load-balancer.ts';
import { notifySend } from './notify.ts';
import { serviceActiveHosts, serviceSetHosts } from './service.ts';
import { pagerAcknowledge, pagerEscalate, pagerResolve } from './pager.ts';

/** Every action that comes with the package. `wait@1` is part of the coordinator: it is a durable timer, not a call. */
export const builtinActions: readonly Action[] = [
  pagerAcknowledge,
  pagerResolve,
  pagerEscalate,
  loadBalancerRemove,
  loadBalancerAdd,
  loadBalancerStatus,
  hostClone,
  hostDescribe,
  hostSetState,
  hostTerminate,
  hostReboot,
  hostCommand,
  hostQuery,
  hostFindPeer,
  serviceSetHosts,
  serviceActiveHosts,
  healthcheckVerify,
  notifySend,
  httpGet,
  httpCall,
];
