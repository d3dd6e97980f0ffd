import { WorkflowError } from '@lazarus/core';
import { didYouMean } from '@lazarus/core/documents';
import type { Json, RunRequest } from '@lazarus/core/ports';
import { isOfInputType } from '../document/input-type.ts';
import type { WorkflowDefinition } from '../document/workflow-definition.ts';

/**
 * The inputs of a run: what the request gives, what the request knows by itself (`host`, `incident_key`, `service`,
 * `notification_group`), then defaults; optional ones that nobody gave are `null`.
 *
 * @throws WorkflowError `LZ_WORKFLOW_INPUT`.
 */
export function resolveInputs(
  definition: WorkflowDefinition,
  request: RunRequest,
): Readonly<Record<string, Json>> {
  const known = Object.keys(definition.inputs);
  const problems: string[] = [];
  for (const name of Object.keys(request.inputs)) {
    if (known.includes(name)) continue;
    const hint = didYouMean(name, known) ?? `known: ${known.join(', ')}`;
    problems.push(`found the unknown input ${JSON.stringify(name)} (${hint})`);
  }
  const fromRequest: Readonly<Record<string, Json | undefined>> = {
    host: request.hostId,
    incident_key: request.incidentKey,
    service: request.service,
    notification_group: request.notificationGroup,
  };
  const inputs = Object.fromEntries(
    Object.entries(definition.inputs).map(([name, declared]): [string, Json] => {
      const value = own(request.inputs, name) ?? own(fromRequest, name) ?? declared.default ?? null;
      if (value === null && declared.required) problems.push(`the input ${JSON.stringify(name)} is missing`);
      if (value !== null && !isOfInputType(value, declared.type))
        problems.push(
          `the input ${JSON.stringify(name)} is ${JSON.stringify(value)}, expected ${declared.type}`,
        );
      return [name, value];
    }),
  );
  if (definition.lock === 'service' && request.lock.kind === 'host')
    problems.push('it needs the lock of the service, the rule takes the lock of the host');
  if (problems.length === 0) return inputs;
  throw new WorkflowError({
    code: 'LZ_WORKFLOW_INPUT',
    message: `workflow ${definition.name} cannot start: ${problems.join('; ')}`,
    details: { problems },
  });
}

/** An input may have the name of something that every object has. */
function own(values: Readonly<Record<string, Json | undefined>>, name: string): Json | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}
