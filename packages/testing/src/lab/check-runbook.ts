import { canonicalJson } from '@lazarus/dag';
import type { WorkflowDefinition } from '@lazarus/dag';
import type { RunbookCall } from './mock-actions.ts';
import { runRunbook } from './run-runbook.ts';
import type { RunbookFault, RunbookOptions, RunbookResult } from './run-runbook.ts';

/** Something that must hold and did not. */
export interface RunbookViolation {
  /** `crash after the effect of clone` */
  readonly scenario: string;
  readonly message: string;
  readonly trace: readonly string[];
}

/** What {@link checkRunbook} found. */
export interface RunbookReport {
  readonly scenarios: number;
  readonly violations: readonly RunbookViolation[];
}

interface Scenario {
  readonly name: string;
  readonly options: RunbookOptions;
}

/**
 * Runs a workflow once as it is, then once for every fault at every step: a refusal, a transient failure, a hang, a crash
 * before the effect and after it, an effect whose answer is a permanent error, the same run submitted once more, and a call that is delivered twice. After each run it
 * checks what must hold whatever happens: the run ends in time, the page ends resolved or escalated, no effect happens
 * twice, a completed step is not repeated, nothing is taken away before its replacement is verified, and a launched host
 * is either in service or undone.
 */
export async function checkRunbook(
  workflow: WorkflowDefinition,
  options: RunbookOptions = {},
): Promise<RunbookReport> {
  const base: RunbookOptions = { unmocked: 'happy', ...options };
  const plain = await runRunbook(workflow, base);
  const violations: RunbookViolation[] = violationsOf('as it is', workflow, plain);
  const scenarios = scenariosOf(plain, base);
  for (const { name, options: faulty } of scenarios) {
    try {
      violations.push(...violationsOf(name, workflow, await runRunbook(workflow, faulty)));
    } catch (error) {
      violations.push({
        scenario: name,
        message: error instanceof Error ? error.message : String(error),
        trace: [],
      });
    }
  }
  return { scenarios: scenarios.length + 1, violations };
}

function scenariosOf(plain: RunbookResult, base: RunbookOptions): readonly Scenario[] {
  const steps = [...new Set(plain.calls.map(({ step }) => step))];
  const changing = new Set(plain.calls.flatMap(({ step, readOnly }) => (readOnly ? [] : [step])));
  const scenarios: Scenario[] = [{ name: 'submitted twice', options: { ...base, submitTwice: true } }];
  for (const step of steps) {
    const mocked = (name: string, mock: NonNullable<RunbookOptions['actions']>[string]): Scenario => ({
      name: `${name} of ${step}`,
      options: { ...base, actions: { ...base.actions, [step]: mock } },
    });
    scenarios.push(
      mocked('refusal', { error: { message: 'refused', retryable: false } }),
      mocked('endless transient failure', { error: { message: 'throttled', retryable: true } }),
      mocked('hang', { hangs: true }),
      { name: `crash before the effect of ${step}`, options: { ...base, fault: killOnce('before', step) } },
      { name: `crash after the effect of ${step}`, options: { ...base, fault: killOnce('after', step) } },
      { name: `permanent error after the effect of ${step}`, options: { ...base, fault: failAfter(step) } },
      { name: `submitted again during ${step}`, options: { ...base, fault: submitAgain(step) } },
    );
    if (changing.has(step))
      scenarios.push({ name: `${step} delivered twice`, options: { ...base, twice: step } });
  }
  return scenarios;
}

function killOnce(moment: 'before' | 'after', step: string): RunbookFault {
  let isDone = false;
  return async (now, call, { kill }) => {
    if (isDone || now !== moment || call.step !== step) return;
    isDone = true;
    await kill();
  };
}

/** The effect is there, and its answer is lost for good: trying again would change nothing. */
function failAfter(step: string): RunbookFault {
  return (now, call) => {
    if (now === 'after' && call.step === step) throw new TypeError('the answer could not be read');
  };
}

function submitAgain(step: string): RunbookFault {
  return async (now, call, { submit }) => {
    if (now !== 'before' || call.step !== step) return;
    const answer = await submit();
    if (answer !== 'exists') throw new Error(`the run was started a second time during ${step}`);
  };
}

/** What must hold after any run of a workflow and does not, one line each. Keeps S1, S5, S10 and S12. */
export function runbookViolations(workflow: WorkflowDefinition, result: RunbookResult): readonly string[] {
  return [
    ...endsInTime(workflow, result),
    ...pageEnds(result),
    ...noEffectTwice(result),
    ...nothingRepeated(result),
    ...noSecondEffect(result),
    ...madeBeforeBroken(result),
    ...noOrphans(workflow, result),
  ];
}

function violationsOf(
  scenario: string,
  workflow: WorkflowDefinition,
  result: RunbookResult,
): RunbookViolation[] {
  return runbookViolations(workflow, result).map((message) => ({ scenario, message, trace: result.trace }));
}

/** S10: deadline, then a minute until a human knows; cleanup may go on a little longer. */
function endsInTime(workflow: WorkflowDefinition, { run }: RunbookResult): readonly string[] {
  const lateMs = Date.parse(run.ended_at ?? '') - Date.parse(run.deadline_at);
  const allowedMs = 2 * workflow.timeouts.cleanupMs + 120_000;
  return lateMs > allowedMs ? [`it ended ${lateMs} ms after its deadline`] : [];
}

function pageEnds({ run, callsOf }: RunbookResult): readonly string[] {
  if (run.incident_key === undefined) return [];
  const wasAcknowledged = callsOf('pager.acknowledge').some(({ outcome }) => outcome === 'ok');
  const couldTell = callsOf('pager.escalate').every(({ outcome }) => outcome === 'ok');
  if (run.status === 'succeeded') {
    return wasAcknowledged && run.page === 'left_alone'
      ? ['it succeeded and left an acknowledged page alone']
      : [];
  }
  if (run.page !== 'left_alone' || !couldTell) return [];
  return [`it ended as ${run.status} and nobody was told`];
}

/** S1: one idempotency key, one effect; a repeated call carries the same key, and each step has one key only. */
function noEffectTwice({ calls }: RunbookResult): readonly string[] {
  const keys = new Map<string, Set<string>>();
  for (const { step, idempotencyKey } of calls)
    keys.set(step, (keys.get(step) ?? new Set()).add(idempotencyKey));
  return [...keys]
    .filter(([, own]) => own.size > 1)
    .map(([step, own]) => `step ${step} used ${own.size} idempotency keys`);
}

/** S12: a call that changes something and whose result arrived is the last one of its step. */
function nothingRepeated({ calls }: RunbookResult): readonly string[] {
  const completed = new Set<string>();
  const messages: string[] = [];
  for (const { step, readOnly, outcome, isDuplicate } of calls) {
    if (readOnly || isDuplicate === true || step.startsWith('$')) continue;
    if (completed.has(step)) messages.push(`step ${step} was repeated after it had completed`);
    if (outcome === 'ok') completed.add(step);
  }
  return messages;
}

/** S1: whoever is asked twice with one idempotency key answers the same; another answer is another effect. */
function noSecondEffect({ calls }: RunbookResult): readonly string[] {
  const answered = calls.filter(({ readOnly, output }) => !readOnly && output !== undefined);
  return [...Map.groupBy(answered, ({ idempotencyKey }) => idempotencyKey).values()].flatMap((own) => {
    const answers = new Set(own.map(({ output }) => canonicalJson(output)));
    const [first] = own;
    if (answers.size < 2 || first === undefined) return [];
    return [
      `step ${first.step} had ${answers.size} effects for one idempotency key: ${[...answers].join(', ')}`,
    ];
  });
}

const isEnd = ({ action, input }: RunbookCall): boolean =>
  action.startsWith('host.terminate@') ||
  (action.startsWith('host.set_state@') && (input as { state?: unknown }).state === 'forensics');

/** S5: in a workflow that launches, no host is ended or put aside before a launched one was verified (undoing excepted). */
function madeBeforeBroken({ calls }: RunbookResult): readonly string[] {
  const launches = calls.filter(({ action }) => action.startsWith('host.clone@'));
  if (launches.length === 0) return [];
  const verifiedAt = calls.findIndex(
    ({ action, outcome, output }) =>
      action.startsWith('healthcheck.verify@') &&
      outcome === 'ok' &&
      (output as { ok?: unknown } | undefined)?.ok === true,
  );
  return calls
    .map((call, index) => ({ call, index }))
    .filter(
      ({ call, index }) =>
        isEnd(call) && !call.step.startsWith('compensate.') && (verifiedAt === -1 || index < verifiedAt),
    )
    .map(({ call }) => `step ${call.step} ended a host before a replacement was verified`);
}

/** A launch whose run failed before its point of no return is undone. */
function noOrphans(workflow: WorkflowDefinition, { run, calls }: RunbookResult): readonly string[] {
  if (run.status === 'succeeded' || workflow.onError.compensate === 'none') return [];
  const pointsOfNoReturn = new Set(workflow.steps.filter((step) => step.pointOfNoReturn).map(({ id }) => id));
  if (calls.some(({ step }) => pointsOfNoReturn.has(step))) return [];
  const launched = calls.filter(
    ({ action, output }) => action.startsWith('host.clone@') && output !== undefined,
  );
  const undone = calls.some(({ action }) => action.startsWith('host.terminate@'));
  return launched.length > 0 && !undone
    ? ['a launched host was neither put into service nor terminated']
    : [];
}
