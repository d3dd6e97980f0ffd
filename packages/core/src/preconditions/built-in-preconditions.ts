import { clusterHealth } from './cluster-health.ts';
import { healthCheckDown } from './health-check-down.ts';
import { maintenanceWindow } from './maintenance-window.ts';
import { maxActiveHosts } from './max-active-hosts.ts';
import { minActiveHosts } from './min-active-hosts.ts';
import { minUptime } from './min-uptime.ts';
import { noRecentAction } from './no-recent-action.ts';
import { notDraining } from './not-draining.ts';
import { peerCheck } from './peer-check.ts';
import type { Precondition } from './precondition.ts';

/** The preconditions that every Lazarus knows. */
export const BUILT_IN_PRECONDITIONS: readonly Precondition[] = Object.freeze([
  minActiveHosts,
  maxActiveHosts,
  healthCheckDown,
  peerCheck,
  clusterHealth,
  notDraining,
  minUptime,
  maintenanceWindow,
  noRecentAction,
]);
