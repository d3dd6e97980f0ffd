import { stateOf } from '../fleet/instance.ts';
import type { InstanceRecord } from '../fleet/instance.ts';
import { ApiError, missingParameter } from '../wire/api-error.ts';
import type { QueryParameters } from '../wire/query-parameters.ts';
import type { XmlChildren } from '../wire/xml.ts';
import { namedInstances, refuseDryRun } from './ec2-action.ts';
import type { Ec2Action, Ec2Context } from './ec2-action.ts';
import { stateChangeXml } from './instance-xml.ts';

function targetsOf(parameters: QueryParameters, { fleet }: Ec2Context): InstanceRecord[] {
  const ids = parameters.list('InstanceId');
  if (ids.length === 0) throw missingParameter('InstanceId');
  return namedInstances(ids, fleet.instances);
}

function changeXml(
  instances: readonly InstanceRecord[],
  change: (instance: InstanceRecord) => void,
): XmlChildren {
  const changes = instances.map((instance) => {
    const previous = stateOf(instance);
    change(instance);
    return stateChangeXml(instance, previous, stateOf(instance));
  });
  return { instancesSet: { item: changes } };
}

function refuseStates(instances: readonly InstanceRecord[], allowed: readonly string[], verb: string): void {
  const wrong = instances.find((instance) => !allowed.includes(stateOf(instance)));
  if (wrong === undefined) return;
  throw new ApiError(
    'IncorrectInstanceState',
    `The instance '${wrong.instanceId}' is not in a state from which it can be ${verb}.`,
  );
}

/** Idempotent: a terminated instance may be terminated again. A protected one makes the whole call fail. */
export const terminateInstances: Ec2Action = (parameters, context) => {
  const instances = targetsOf(parameters, context);
  const guarded = instances.find(
    (instance) => instance.terminationProtected && stateOf(instance) !== 'terminated',
  );
  if (guarded !== undefined) {
    throw new ApiError(
      'OperationNotPermitted',
      `The instance '${guarded.instanceId}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`,
    );
  }
  refuseDryRun(parameters);
  return changeXml(instances, (instance) => context.fleet.terminate(instance));
};

export const stopInstances: Ec2Action = (parameters, context) => {
  const instances = targetsOf(parameters, context);
  refuseStates(instances, ['running', 'stopping', 'stopped'], 'stopped');
  refuseDryRun(parameters);
  return changeXml(instances, (instance) => context.fleet.stop(instance));
};

export const startInstances: Ec2Action = (parameters, context) => {
  const instances = targetsOf(parameters, context);
  refuseStates(instances, ['pending', 'running', 'stopped'], 'started');
  refuseDryRun(parameters);
  return changeXml(instances, (instance) => context.fleet.start(instance));
};

export const rebootInstances: Ec2Action = (parameters, context) => {
  const instances = targetsOf(parameters, context);
  refuseStates(instances, ['running'], 'rebooted');
  refuseDryRun(parameters);
  for (const instance of instances) void context.fleet.reboot(instance);
  return { return: true };
};
