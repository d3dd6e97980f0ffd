import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { EC2_ACTIONS, EC2_VERSION } from '../ec2/ec2-actions.ts';
import type { Ec2Context } from '../ec2/ec2-action.ts';
import { ELB_ACTIONS, ELB_VERSION } from '../elb/elb-actions.ts';
import type { ElbContext } from '../elb/elb-actions.ts';
import type { FaultEffects, FaultList } from '../faults/fault.ts';
import { ApiError } from './api-error.ts';
import type { ApiName } from './api-error.ts';
import type { CallLog } from './call-log.ts';
import { QueryParameters } from './query-parameters.ts';
import { renderXml } from './xml.ts';
import type { XmlChildren } from './xml.ts';

/** What the endpoint needs from the region. */
export interface EndpointParts extends Omit<Ec2Context & ElbContext, 'effects'> {
  readonly faults: FaultList;
  readonly calls: CallLog;
}

/** Reply of the API; `dropReply` asks the caller to cut the connection instead of sending it. */
export interface ApiReply {
  readonly status: number;
  readonly body: string;
  readonly dropReply: boolean;
}

const EC2_NAMESPACE = `http://ec2.amazonaws.com/doc/${EC2_VERSION}/`;
const ELB_NAMESPACE = `http://elasticloadbalancing.amazonaws.com/doc/${ELB_VERSION}/`;

/**
 * Answers one AWS Query request.
 *
 * Stages: 1 the credential scope tells the API and must name this region (the signature itself is not verified:
 * there is no secret to verify it with), 2 injected faults, 3 the action, 4 its reply or error document.
 */
export async function answerAwsRequest(
  authorization: string | undefined,
  body: string,
  parts: EndpointParts,
): Promise<ApiReply> {
  const parameters = QueryParameters.parse(body);
  const action = parameters.text('Action') ?? '';
  const scope = /Credential=[^/\s]+\/\d{8}\/([^/\s]+)\/([^/\s]+)\/aws4_request/.exec(authorization ?? '');
  const api: ApiName = scope?.[2] === 'elasticloadbalancing' ? 'elasticloadbalancing' : 'ec2';
  const effects = parts.faults.take(action);
  const entry = parts.calls.begin(api, action, parameters.toRecord(), Object.keys(effects));
  const requestId = randomUUID();
  const dropReply = effects.drop_reply ?? false;
  entry.reply_dropped = dropReply;
  if (effects.delay_ms !== undefined) await sleep(effects.delay_ms);
  try {
    if (effects.error)
      throw new ApiError(effects.error.code, effects.error.message ?? 'injected fault', effects.error.status);
    refuseScope(scope?.[1], scope?.[2], parts.options.region);
    entry.status = 200;
    return { status: 200, body: perform(api, action, parameters, requestId, effects, parts), dropReply };
  } catch (error) {
    const refusal = error instanceof ApiError ? error : new ApiError('InternalError', String(error), 500);
    entry.status = refusal.status;
    entry.error = refusal.code;
    return { status: refusal.status, body: errorDocument(api, refusal, requestId), dropReply };
  }
}

function refuseScope(region: string | undefined, api: string | undefined, ownRegion: string): void {
  if (region === undefined)
    throw new ApiError(
      'MissingAuthenticationToken',
      'Request is missing an AWS Signature Version 4 credential scope',
      403,
    );
  if (region !== ownRegion)
    throw new ApiError(
      'AuthFailure',
      `Credential should be scoped to region '${ownRegion}', not '${region}'`,
      401,
    );
  if (api === 'ec2' || api === 'elasticloadbalancing') return;
  throw new ApiError('InvalidAction', `This region serves ec2 and elasticloadbalancing, not '${api ?? ''}'`);
}

function perform(
  api: ApiName,
  action: string,
  parameters: QueryParameters,
  requestId: string,
  effects: FaultEffects,
  parts: EndpointParts,
): string {
  const context = { ...parts, effects };
  const version = parameters.text('Version');
  if (api === 'ec2') {
    const run = actionNamed(EC2_ACTIONS, action, version, EC2_VERSION);
    return document(`${action}Response`, { requestId, ...run(parameters, context) }, EC2_NAMESPACE);
  }
  const run = actionNamed(ELB_ACTIONS, action, version, ELB_VERSION);
  const reply = { [`${action}Result`]: run(parameters, context), ResponseMetadata: { RequestId: requestId } };
  return document(`${action}Response`, reply, ELB_NAMESPACE);
}

function actionNamed<T>(
  actions: Readonly<Record<string, T>>,
  action: string,
  version: string | undefined,
  served: string,
): T {
  const run = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (run === undefined || version !== served) {
    throw new ApiError(
      'InvalidAction',
      `The action ${action} is not valid for this web service in version ${version ?? '(none)'}.`,
    );
  }
  return run;
}

function errorDocument(api: ApiName, refusal: ApiError, requestId: string): string {
  const error = { Code: refusal.code, Message: refusal.message };
  if (api === 'ec2') return document('Response', { Errors: { Error: error }, RequestID: requestId });
  const type = refusal.status < 500 ? 'Sender' : 'Receiver';
  return document('ErrorResponse', { Error: { Type: type, ...error }, RequestId: requestId }, ELB_NAMESPACE);
}

function document(name: string, content: XmlChildren, namespace?: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${renderXml(name, content, namespace)}`;
}
