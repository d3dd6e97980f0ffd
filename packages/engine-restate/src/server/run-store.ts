/**
 * The runs that Restate keeps, as seen from outside: submitted, signaled, looked up, listed.
 */
import { PortError } from '@lazarus/core';
import type { Json, RunView } from '@lazarus/core/ports';
import { CANCEL_SIGNAL } from '@lazarus/dag';
import type { RecordedEntry } from '../durable/journal-context.ts';
import { ownRun, toWire } from '../run/pinned-run.ts';
import type { PinnedRun, PinnedWire } from '../run/pinned-run.ts';
import type { PageEnd, RunAlarm, RunAlarmWire, RunSignal } from '../run/run-message.ts';
import { seal } from '../run/run-seal.ts';
import type { Sealable } from '../run/run-seal.ts';
import { isServiceUnknown } from './register-service.ts';
import type { RestateServers } from './restate-servers.ts';
import { outcomeOf, refused } from './run-outcome.ts';
import type { RunOutcome } from './run-outcome.ts';

/** A run that has not ended, as Restate has it. */
export interface RecordedRun {
  readonly run: PinnedRun;
  readonly entries: readonly RecordedEntry[];
}

/** How Restate is doing with a run. */
export interface Invocation {
  readonly runId: string;
  /** `completed` when Restate ended it by itself. */
  readonly status: string;
  readonly retries: number;
  readonly failure?: string;
  /** What Restate or the SDK calls the failure. */
  readonly errorCode?: string;
}

/** Rows of one query. */
const PAGE = 200;

/** The runs of one service. */
export class RunStore {
  readonly #servers: RestateServers;
  readonly #service: string;
  readonly #key: string | undefined;

  /** @param key - signs what is submitted. */
  constructor(servers: RestateServers, service: string, key?: string) {
    this.#key = key;
    this.#servers = servers;
    this.#service = service;
  }

  /** Resolves when the run is durable. @throws PortError `LZ_JOURNAL_UNAVAILABLE`. */
  async submit(run: PinnedRun): Promise<'created' | 'exists'> {
    const path = `/${this.#service}/${encodeURIComponent(run.request.runId)}/run/send`;
    const answer = await this.#servers.ask({
      to: 'ingress',
      path,
      method: 'POST',
      body: seal('run', toWire(run), this.#key),
      elsewhere: isServiceUnknown,
    });
    const status = (answer.body as { readonly status?: unknown } | null)?.status;
    if (status === 'Accepted') return 'created';
    if (status === 'PreviouslyAccepted') return 'exists';
    throw refused('a run', answer);
  }

  /** Resolves when the signal is durable; a run that does not exist is left alone. @throws PortError. */
  async signal(
    runId: string,
    signal: { readonly name: string; readonly payload: Json; readonly key: string },
  ): Promise<void> {
    if ((await this.state(runId)) !== 'running') return;
    const cancels = signal.name === CANCEL_SIGNAL ? await this.#invocation(runId) : undefined;
    const message: RunSignal = {
      runId,
      id: signal.key,
      name: signal.name,
      payload: signal.payload,
      ...(cancels === undefined ? {} : { cancels }),
    };
    await this.#send('signal', runId, message, signal.key);
  }

  /**
   * Has one of the processes answer an alarm, once for each run and kind whoever raises it; resolves with how its page ended
   * when that is durable. @throws PortError `LZ_JOURNAL_UNAVAILABLE`.
   */
  async raise({ run, ...alarm }: RunAlarm, signal: AbortSignal): Promise<PageEnd> {
    const message: RunAlarmWire = { run: seal('run', toWire(run), this.#key), ...alarm };
    return (await this.#send('alarm', run.request.runId, message, alarm.what, signal)) as PageEnd;
  }

  /** @param key - calls with the same one are one call. */
  async #send(
    what: 'signal' | 'alarm',
    runId: string,
    message: Sealable,
    key: string,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const answer = await this.#servers.ask({
      to: 'ingress',
      path: `/${this.#service}/${encodeURIComponent(runId)}/${what}`,
      method: 'POST',
      headers: { 'idempotency-key': key },
      body: seal(what, message, this.#key),
      elsewhere: isServiceUnknown,
      ...(signal === undefined ? {} : { signal }),
    });
    if (answer.status !== 200) throw refused(`a ${what}`, answer);
    return answer.body;
  }

  /** What became of a run by now. @throws PortError. */
  async state(runId: string): Promise<RunOutcome> {
    const path = `/restate/workflow/${this.#service}/${encodeURIComponent(runId)}/output`;
    return outcomeOf(await this.#servers.ask({ to: 'ingress', path, elsewhere: isServiceUnknown }));
  }

  /** Waits until the run's end is durable, at most `timeoutMs`. @throws PortError. */
  async ended(runId: string, timeoutMs: number, signal: AbortSignal): Promise<RunOutcome> {
    const path = `/restate/workflow/${this.#service}/${encodeURIComponent(runId)}/attach`;
    const elsewhere = isServiceUnknown;
    return outcomeOf(await this.#servers.ask({ to: 'ingress', path, timeoutMs, signal, elsewhere }));
  }

  /** A run with its journal; `undefined` when Restate no longer has it, or it is none of ours. @throws PortError. */
  async load(runId: string): Promise<RecordedRun | undefined> {
    const rows = await this.#servers.query(
      `SELECT j.index, j.entry_json FROM sys_journal j JOIN sys_invocation i ON i.id = j.id WHERE ${this.#runs()} AND i.target_service_key = ${quote(runId)} ORDER BY j.index`,
    );
    const entries = rows.map((row) => JSON.parse(String(row['entry_json'])) as RawEntry);
    const input = entries[0]?.Command?.Input?.payload;
    if (input === undefined) return undefined;
    const run = ownRun(decode(input) as unknown as PinnedWire, this.#key);
    return run === undefined
      ? undefined
      : { run, entries: entries.flatMap((entry) => recorded(entry) ?? []) };
  }

  /**
   * Runs that Restate cannot get on with (it waits before it tries again, or has given up), and those that it ended by
   * itself, for as long as it knows them. @throws PortError.
   */
  async troubled(): Promise<readonly Invocation[]> {
    const found: Invocation[] = [];
    for (let after = ''; ;) {
      const rows = await this.#servers.query(
        `SELECT i.id, i.target_service_key, i.status, i.retry_count, COALESCE(i.completion_failure, i.last_failure) AS failure, i.last_failure_error_code FROM sys_invocation i WHERE ${this.#runs()} AND (i.status IN ('backing-off', 'paused') OR i.completion_result = 'failure') AND i.id > ${quote(after)} ORDER BY i.id LIMIT ${PAGE}`,
      );
      found.push(...rows.map(invocationOf));
      const last = String(rows.at(-1)?.['id']);
      if (rows.length < PAGE || last <= after) return found;
      after = last;
    }
  }

  /** The newest runs, with their ends where they have one. @throws PortError. */
  async newest(
    limit: number,
    status: 'running' | 'completed' | undefined,
  ): Promise<readonly { readonly run: PinnedRun; readonly view?: RunView }[]> {
    const where =
      status === undefined ? '' : ` AND i.status ${status === 'running' ? '<>' : '='} 'completed'`;
    const ids = await this.#servers.query(
      `SELECT i.id FROM sys_invocation i WHERE ${this.#runs()}${where} ORDER BY i.created_at DESC LIMIT ${limit}`,
    );
    if (ids.length === 0) return [];
    const list = ids.map((row) => quote(String(row['id']))).join(', ');
    const rows = await this.#servers.query(
      `SELECT id, entry_json FROM sys_journal WHERE id IN (${list}) AND entry_type IN ('Command: Input', 'Command: Output')`,
    );
    return ids.flatMap(({ id }) =>
      summaryOf(
        rows.filter((row) => row['id'] === id),
        this.#key,
      ),
    );
  }

  /** The id that Restate has for a run. @throws PortError. */
  async #invocation(runId: string): Promise<string> {
    const [row] = await this.#servers.query(
      `SELECT i.id FROM sys_invocation i WHERE ${this.#runs()} AND i.target_service_key = ${quote(runId)}`,
    );
    if (row !== undefined) return String(row['id']);
    throw new PortError({
      code: 'LZ_JOURNAL_UNAVAILABLE',
      message: `Restate does not find run ${runId}, which it says is running`,
      retryable: true,
    });
  }

  #runs(): string {
    return `i.target_service_name = ${quote(this.#service)} AND i.target_handler_name = 'run'`;
  }
}

interface RawEntry {
  readonly Command?: {
    readonly Input?: { readonly payload: readonly number[] };
    readonly Output?: { readonly result: RawResult };
    readonly Run?: { readonly completion_id: number; readonly name: string };
    readonly Sleep?: { readonly completion_id: number; readonly name: string };
    readonly GetPromise?: { readonly completion_id: number; readonly key: string };
    readonly PeekPromise?: { readonly completion_id: number; readonly key: string };
  };
  readonly Notification?: {
    readonly Signal?: unknown;
    readonly Completion?: Readonly<
      Record<string, { readonly completion_id: number; readonly result?: RawResult }>
    >;
  };
}

type RawResult = { readonly Success?: readonly number[] } | string;

function recorded({ Command: command, Notification: notification }: RawEntry): RecordedEntry | undefined {
  const run = command?.Run;
  if (run !== undefined) return { kind: 'command', call: 'run', name: run.name, id: run.completion_id };
  const sleep = command?.Sleep;
  if (sleep !== undefined)
    return { kind: 'command', call: 'sleep', name: sleep.name, id: sleep.completion_id };
  const promise = command?.GetPromise;
  if (promise !== undefined)
    return { kind: 'command', call: 'promise', name: promise.key, id: promise.completion_id };
  const peek = command?.PeekPromise;
  if (peek !== undefined) return { kind: 'command', call: 'peek', name: peek.key, id: peek.completion_id };
  if (notification?.Signal !== undefined) return { kind: 'canceled' };
  const [completion] = Object.values(notification?.Completion ?? {});
  if (completion === undefined) return undefined;
  return { kind: 'completion', id: completion.completion_id, value: resultOf(completion.result) };
}

function resultOf(result: RawResult | undefined): Json {
  if (typeof result !== 'object' || result.Success === undefined) return null;
  return decode(result.Success);
}

const decode = (bytes: readonly number[]): Json =>
  bytes.length === 0 ? null : (JSON.parse(Buffer.from(bytes).toString('utf8')) as Json);

function summaryOf(
  rows: readonly Readonly<Record<string, unknown>>[],
  key: string | undefined,
): readonly { readonly run: PinnedRun; readonly view?: RunView }[] {
  let run: PinnedRun | undefined;
  let view: RunView | undefined;
  for (const row of rows) {
    const { Command: command } = JSON.parse(String(row['entry_json'])) as RawEntry;
    if (command?.Input !== undefined)
      run = ownRun(decode(command.Input.payload) as unknown as PinnedWire, key);
    if (command?.Output !== undefined) view = resultOf(command.Output.result) as unknown as RunView;
  }
  if (run === undefined) return [];
  return [{ run, ...(view === undefined ? {} : { view }) }];
}

/** A text of SQL. */
const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const invocationOf = (row: Readonly<Record<string, unknown>>): Invocation => ({
  runId: String(row['target_service_key']),
  status: String(row['status']),
  retries: Number(row['retry_count'] ?? 0),
  ...(typeof row['failure'] === 'string' ? { failure: row['failure'] } : {}),
  ...(typeof row['last_failure_error_code'] === 'string'
    ? { errorCode: row['last_failure_error_code'] }
    : {}),
});
