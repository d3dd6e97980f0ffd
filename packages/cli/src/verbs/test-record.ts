import { readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import type { DecisionRecord } from '@lazarus/core';
import { BUILT_IN_PRECONDITIONS, ConfigurationError } from '@lazarus/core';
import { formatIssue } from '@lazarus/core/errors';
import type { Json, RunView } from '@lazarus/core/ports';
import type { RunbookTestResult } from '@lazarus/testing/lab';
import { CliFailure } from '../cli-failure.ts';
import { print } from '../context.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { loadPlugins } from '../plugins/load-plugins.ts';
import type { Plugins } from '../plugins/load-plugins.ts';
import { createPseudonyms } from '../runbook-tests/pseudonyms.ts';
import type { Pseudonyms } from '../runbook-tests/pseudonyms.ts';
import { recordedSuite } from '../runbook-tests/recorded-test.ts';
import { createTestSources } from '../runbook-tests/test-sources.ts';
import type { TestSources } from '../runbook-tests/test-sources.ts';
import { toYaml } from '../runbook-tests/test-yaml.ts';

/** Options of {@link recordTest}. */
export interface RecordOptions {
  /** Event id, decision id or a prefix; may be missing when a file holds one decision. */
  readonly decision?: string;
  /** File with decisions; `-` is standard input. */
  readonly from?: string;
  readonly out: string;
  readonly force?: boolean;
  readonly plugins: readonly string[];
}

interface Incident {
  readonly record: DecisionRecord;
  readonly run: RunView | undefined;
}

/** Writes a test of a recorded decision, after it has passed. */
export async function recordTest(
  rules: readonly string[],
  options: RecordOptions,
  context: Context,
): Promise<ExitCode> {
  const { out } = options;
  if (options.force !== true && (await exists(out)))
    throw new CliFailure(
      EXIT.invalid,
      `${out} exists; name another file with --out, or write over it with --force`,
    );
  if (!/\.test\.ya?ml$/.test(out))
    throw new CliFailure(
      EXIT.invalid,
      `--out: ${out} is no name of a test file, expected one such as incident.test.yaml`,
    );
  const plugins = await loadPlugins(options.plugins);
  const incident = await findIncident(options, context);
  const pseudonyms = createPseudonyms();
  const references = rules.map((path) => beside(out, path));
  const sources = createTestSources(plugins);
  await sources
    .config(references, out, (_index, message) => new CliFailure(EXIT.invalid, message))
    .catch((error: unknown) => {
      if (!(error instanceof ConfigurationError)) throw error;
      throw new CliFailure(EXIT.invalid, 'the rules were refused', error.issues.map(formatIssue));
    });
  const suite = recordedSuite(incident.record, incident.run, {
    rules: references,
    workflow: sources.workflows.get(incident.run?.workflow ?? ''),
    preconditions: [...BUILT_IN_PRECONDITIONS, ...plugins.preconditions],
    pseudonyms,
  });
  if ('reason' in suite)
    throw new CliFailure(EXIT.failed, `this decision cannot be made a test of: ${suite.reason}`);
  const text = `# Recorded from a decision; hosts, ids, accounts and addresses have other names here.\n${toYaml(suite as unknown as Json)}\n`;
  await requirePassing(text, out, plugins, sources);
  await writeFile(out, text, { flag: options.force === true ? 'w' : 'wx' });
  for (const line of whatChanged(pseudonyms, incident.record)) context.terminal.err(`${line}\n`);
  print(context.terminal, out);
  return EXIT.ok;
}

/** A test that does not pass says nothing about the incident: then these are not the rules that decided. */
async function requirePassing(
  text: string,
  file: string,
  plugins: Plugins,
  sources: TestSources,
): Promise<void> {
  const { runRunbookTests } = await import('@lazarus/testing/lab');
  const results = await runRunbookTests(text, {
    file,
    definitions: plugins.actions,
    workflow: (reference) => sources.workflow(reference, file),
    rules: (references, refuse) => sources.config(references, file, refuse),
  });
  const lines = results.flatMap(differencesOf);
  if (lines.length > 0)
    throw new CliFailure(
      EXIT.failed,
      'with these rules it is decided otherwise, and nothing was written',
      lines,
    );
}

function differencesOf({ failures, trace }: RunbookTestResult): readonly string[] {
  if (failures.length === 0) return [];
  const lines = failures.map(({ path, expected, actual }) => `${path}: recorded ${expected}, now ${actual}`);
  return [...lines, '', ...trace];
}

function whatChanged(pseudonyms: Pseudonyms, { event }: DecisionRecord): readonly string[] {
  const { renamed, redacted } = pseudonyms.report();
  const hasSummary = typeof event === 'object' && event !== null && 'summary' in event;
  return [
    `renamed: ${renamed === '' ? 'nothing' : renamed}`,
    `redacted: ${redacted.length === 0 ? 'nothing' : redacted.join(', ')}`,
    ...(hasSummary ? ['left out: summary of the event'] : []),
    'Services, regions, zones and attributes keep their values: look through the file before you share it.',
  ];
}

async function findIncident(options: RecordOptions, context: Context): Promise<Incident> {
  if (options.from !== undefined) return fromFile(options.from, options.decision, context);
  if (options.decision === undefined)
    throw new CliFailure(
      EXIT.invalid,
      'name the decision with --decision, or a file that holds it with --from',
    );
  const client = await context.connect();
  const path = `/v1/decisions/${encodeURIComponent(options.decision)}`;
  const record = await client.request<DecisionRecord>('GET', path);
  if (!('run_id' in record.decision)) return { record, run: undefined };
  const answer = await client.ask('GET', `/v1/runs/${encodeURIComponent(record.decision.run_id)}`);
  return { record, run: answer.status === 200 ? (answer.body as RunView) : undefined };
}

async function fromFile(file: string, id: string | undefined, { terminal }: Context): Promise<Incident> {
  const text = file === '-' ? await terminal.readInput() : await readText(file);
  const incidents = readIncidents(text, file);
  const found = incidents.filter(({ record }) => id === undefined || isMeant(record, id));
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  const what = id === undefined ? 'decisions' : `decisions with the id ${id}`;
  const hint = found.length > 1 && id === undefined ? '; name one with --decision' : '';
  throw new CliFailure(EXIT.notFound, `${file} holds ${found.length} ${what}, expected one${hint}`);
}

function isMeant({ event_id: eventId, decision_id: decisionId }: DecisionRecord, id: string): boolean {
  if (eventId === id || decisionId === id) return true;
  return id.length >= 6 && [eventId, decisionId].some((known) => known?.startsWith(id) === true);
}

/** Decisions and runs, in any order: one JSON value, a list, or one value a line. */
function readIncidents(text: string, file: string): readonly Incident[] {
  try {
    const values = parseValues(text).map((value) => value as Partial<DecisionRecord> & Partial<RunView>);
    const runs = values.filter((value) => Array.isArray(value.steps)) as RunView[];
    const records = values.filter((value) => Array.isArray(value.gates)) as DecisionRecord[];
    return records.map((record) => ({ record, run: runs.find(({ run_id: id }) => isRunOf(record, id)) }));
  } catch (error) {
    throw new CliFailure(EXIT.invalid, `--from: ${file} could not be read: ${(error as Error).message}`);
  }
}

function isRunOf({ decision }: DecisionRecord, runId: string): boolean {
  return 'run_id' in decision && decision.run_id === runId;
}

function parseValues(text: string): readonly unknown[] {
  try {
    return [JSON.parse(text) as unknown].flat();
  } catch {
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    return lines.map((line) => JSON.parse(line) as unknown);
  }
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw new CliFailure(EXIT.invalid, `--from: ${file} could not be read: ${reason}`);
  });
}

/** A path as the test file has to name it. */
function beside(out: string, path: string): string {
  return relative(resolve(dirname(out)), resolve(path)) || join('.', '.');
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
