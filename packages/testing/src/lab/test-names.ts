/** Names in a test that mean nothing: a test that speaks of them holds, or fails, for a reason that is not its own. */
import type { DocumentPath } from '@lazarus/core/documents';
import { didYouMean } from '@lazarus/core/documents';
import { actionId } from '@lazarus/dag';
import type { Action, WorkflowDefinition } from '@lazarus/dag';
import type { LabConfig } from './lab-config.ts';
import type { EventExpectation, Happening, RegionTest, RunbookTest } from './runbook-test-schema.ts';

/** A name that nobody has, at its place below the test. */
export interface UnknownName {
  readonly at: DocumentPath;
  readonly message: string;
}

type Problem = UnknownName | undefined;

/** Longest list of names that helps somebody who has mistaken one. */
const SHORT_LIST = 12;

function unknown(at: DocumentPath, what: string, name: string, known: Iterable<string>): Problem {
  const names = new Set(known);
  if (names.has(name)) return undefined;
  const list = [...names].sort();
  const near = name.length > 2 ? didYouMean(name, list) : undefined;
  const hint =
    near ?? `known: ${list.slice(0, SHORT_LIST).join(', ')}${list.length > SHORT_LIST ? ', …' : ''}`;
  return { at, message: `names the ${what} ${name}, which does not exist (${hint})` };
}

/** What can be called: the steps of these workflows, those that undo, escalate and clean up included. */
function stepsOf(workflows: readonly WorkflowDefinition[]): ReadonlySet<string> {
  return new Set(
    workflows.flatMap(({ steps, onError, finally: last }) => [
      ...steps.flatMap(({ id }) => [id, `compensate.${id}`]),
      ...onError.steps.map(({ id }) => `on_error.${id}`),
      ...last.map(({ id }) => `finally.${id}`),
    ]),
  );
}

function actionsOf(actions: readonly Action[]): ReadonlySet<string> {
  return new Set(actions.flatMap((action) => [action.name, actionId(action)]));
}

interface Callable {
  readonly steps: ReadonlySet<string>;
  readonly all: ReadonlySet<string>;
}

function callable(workflows: readonly WorkflowDefinition[], actions: readonly Action[]): Callable {
  const steps = stepsOf(workflows);
  return { steps, all: new Set([...steps, ...actionsOf(actions)]) };
}

/** Names of steps and actions, in what a test gives and in what it expects. */
function calledNames(
  { given, then }: RunbookTest | RegionTest,
  { steps, all }: Callable,
): readonly Problem[] {
  const keys = (at: DocumentPath, value: object | undefined, known: ReadonlySet<string>, what: string) =>
    Object.keys(value ?? {}).map((name) => unknown([...at, name], what, name, known));
  const items = (
    at: DocumentPath,
    value: readonly string[] | undefined,
    known: ReadonlySet<string>,
    what: string,
  ) => (value ?? []).map((name, index) => unknown([...at, index], what, name, known));
  const either = 'step or action';
  return [
    ...keys(['given', 'actions'], given.actions, all, either),
    ...keys(['then', 'calls'], then.calls, all, either),
    ...items(['then', 'never'], then.never, all, either),
    ...items(['then', 'order'], then.order, steps, 'step'),
    ...keys(['then', 'steps'], then.steps, steps, 'step'),
    ...(then.error?.step === undefined
      ? []
      : [unknown(['then', 'error', 'step'], 'step', then.error.step, steps)]),
  ];
}

/** Names in a test of one workflow that nobody has. */
export function unknownInWorkflowTest(
  test: RunbookTest,
  workflow: WorkflowDefinition,
  actions: readonly Action[],
): readonly UnknownName[] {
  return calledNames(test, callable([workflow], actions)).filter((one) => one !== undefined);
}

/** Names in a test of rules that nobody has. */
export function unknownInRegionTest(
  test: RegionTest,
  config: LabConfig,
  nodes: readonly string[],
): readonly UnknownName[] {
  const { given, when, then } = test;
  const checks = config.preconditions.flatMap(({ name, aliases }) => [name, ...aliases]);
  const names = callable(config.workflows, config.actions);
  const prechecks = Object.entries(given.prechecks).flatMap(([name, reply]) => [
    unknown(['given', 'prechecks', name], 'precheck', name, checks),
    ...nodesOf(reply).map((node) => unknown(['given', 'prechecks', name, node], 'node', node, nodes)),
  ]);
  const happenings = when.flatMap((what, index) => [
    ...nodesIn(what).map(([key, node]) => unknown(['when', index, key], 'node', node, nodes)),
    mistypedEvent(what, index, config.eventTypes),
  ]);
  const expected = [
    ...wouldNames(['then'], then, names.all),
    ...Object.entries(then.events ?? {}).flatMap(([id, one]) =>
      wouldNames(['then', 'events', id], one, names.all),
    ),
  ];
  return [...prechecks, ...happenings, ...calledNames(test, names), ...expected].filter(
    (one) => one !== undefined,
  );
}

function wouldNames(
  at: DocumentPath,
  { would = [] }: EventExpectation,
  known: ReadonlySet<string>,
): readonly Problem[] {
  return would.map((written, index) =>
    typeof written === 'string'
      ? unknown([...at, 'would', index], 'step or action', written, known)
      : unknown([...at, 'would', index, 'step'], 'step or action', written.step, known),
  );
}

/** Any type may come; one that is nearly a known one is a mistake. */
function mistypedEvent(what: Happening, index: number, { find, names }: LabConfig['eventTypes']): Problem {
  if (!('event' in what)) return undefined;
  const key = 'type' in what.event ? 'type' : 'event_type';
  const type = what.event[key];
  if (typeof type !== 'string' || find(type) !== undefined) return undefined;
  const near = didYouMean(type, names);
  if (near === undefined) return undefined;
  return {
    at: ['when', index, 'event', key],
    message: `names the event type ${type}, which nobody sends (${near})`,
  };
}

function nodesOf(reply: RegionTest['given']['prechecks'][string]): readonly string[] {
  return typeof reply === 'string' || 'fail' in reply ? [] : Object.keys(reply);
}

function nodesIn(what: Happening): readonly (readonly [string, string])[] {
  if ('crash' in what) return [['crash', what.crash]];
  if ('restart' in what) return [['restart', what.restart]];
  if ('partition' in what) return what.partition.flat().map((node) => ['partition', node]);
  if ('delay' in what) return [what.delay.from, what.delay.to].map((node) => ['delay', node]);
  return 'node' in what && what.node !== undefined ? [['node', what.node]] : [];
}
