import { CliFailure } from '../cli-failure.ts';
import { print } from '../context.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { loadPlugins } from '../plugins/load-plugins.ts';
import { plural } from '../render/amounts.ts';
import { renderTestReport } from '../render/test-report.ts';
import { runTestFiles } from '../runbook-tests/run-test-files.ts';
import { reportOf } from '../runbook-tests/test-coverage.ts';
import { createTestSources } from '../runbook-tests/test-sources.ts';
import type { TestSources } from '../runbook-tests/test-sources.ts';
import { findTestTargets } from '../runbook-tests/test-targets.ts';
import type { TestOptions, TestRound } from '../runbook-tests/test-options.ts';
import type { TestTarget } from '../runbook-tests/test-targets.ts';
import type { Terminal } from '../terminal.ts';

/** How a pass ended. */
interface Pass {
  readonly code: ExitCode;
  readonly sources: TestSources;
}

/** Runs tests without a node. Results are data: they go to standard output. */
export async function test(
  paths: readonly string[],
  options: TestOptions,
  context: Context,
): Promise<ExitCode> {
  if (options.watch === true) {
    const { watchTests } = await import('../runbook-tests/watch-tests.ts');
    const { runRoundInThread } = await import('../runbook-tests/test-round.ts');
    const runOne = options.plugins.length === 0 ? runRound : runRoundInThread;
    return watchTests(paths, options.plugins, context.terminal, (targets) =>
      runOne({ paths, targets, options }, context.terminal),
    );
  }
  const { code } = await pass(paths, await findTestTargets(paths), options, context.terminal);
  return code;
}

/** One round of a watch: runs these tests, and tells which files they use. */
export async function runRound(
  { paths, targets, options }: TestRound,
  terminal: Terminal,
): Promise<TestSources> {
  const { sources } = await pass(paths, targets, options, terminal);
  return sources;
}

async function pass(
  paths: readonly string[],
  targets: readonly TestTarget[],
  options: TestOptions,
  terminal: Terminal,
): Promise<Pass> {
  if (targets.length === 0) {
    throw new CliFailure(EXIT.invalid, `there is no file named *.test.yaml in ${paths.join(', ')}`);
  }
  const plugins = await loadPlugins(options.plugins);
  const sources = createTestSources(plugins);
  const run = { ...options, definitions: plugins.actions, signal: terminal.signal };
  let { results, refusals } = await runTestFiles(targets, sources, run);
  if (options.update === true) {
    const { updateTests } = await import('../runbook-tests/update-tests.ts');
    const changed = await updateTests(results);
    for (const line of changed) terminal.err(`${line}\n`);
    if (changed.length > 0) ({ results, refusals } = await runTestFiles(targets, sources, run));
  }
  if (results.length > 0) {
    const report = await reportOf(results, sources, options);
    print(terminal, renderTestReport(report, options.output, terminal));
    if (refusals.length === 0) return { code: report.passed ? EXIT.ok : EXIT.failed, sources };
  }
  if (refusals.length === 0) throw new CliFailure(EXIT.invalid, nothingRan(targets, options));
  const failure = new CliFailure(
    EXIT.invalid,
    `${plural(refusals.length, 'problem')} in the test files`,
    refusals,
  );
  if (options.watch !== true) throw failure;
  terminal.err(
    ['', `lazarus: ${failure.message}`, ...failure.lines.map((line) => `  ${line}`), ''].join('\n'),
  );
  return { code: EXIT.invalid, sources };
}

function nothingRan(targets: readonly TestTarget[], { run }: TestOptions): string {
  const [first] = targets;
  if (run === undefined && first?.line !== undefined)
    return `no test stands at line ${first.line} of ${first.file}`;
  return `no test in ${plural(targets.length, 'file')} has a name that matches ${String(run)}`;
}
