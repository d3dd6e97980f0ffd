import type { RunbookCoverage, RunbookTestResult } from '@lazarus/testing/lab';
import { humanDuration, plural } from './amounts.ts';
import { createPaint, oneLine } from './paint.ts';
import type { RenderOptions } from './paint.ts';

/** How the results of tests can be printed. */
export type TestFormat = 'pretty' | 'json' | 'junit' | 'tap';

/** What the tests of runbooks have shown. */
export interface TestReport {
  /** Whether every test passed and every workflow and rule is covered enough. */
  readonly passed: boolean;
  readonly results: readonly RunbookTestResult[];
  readonly coverage?: readonly TestCoverage[];
  /** Modules that were loaded for it; the command that repeats a test names them, too. */
  readonly plugins?: readonly string[];
}

/** Coverage of one workflow or rule, and how much was asked for, 0 to 1. */
export interface TestCoverage extends RunbookCoverage {
  readonly min: number;
  readonly isEnough: boolean;
}

/** A report as text, without a line break at its end. Every time in it is time of the lab. */
export function renderTestReport(report: TestReport, format: TestFormat, options: RenderOptions): string {
  switch (format) {
    case 'pretty':
      return pretty(report, options);
    case 'json':
      return JSON.stringify(
        { ...report, results: report.results.map((one) => withCommand(one, report)) },
        null,
        2,
      );
    case 'junit':
      return junit(report);
    case 'tap':
      return tap(report);
  }
}

function withCommand(result: RunbookTestResult, { plugins }: TestReport): object {
  return result.passed ? result : { ...result, reproduce: reproduction(result, plugins) };
}

/** The one command that runs this test and no other, as it was run: names may repeat, a line cannot. */
export function reproduction(
  { file, line, seed }: Pick<RunbookTestResult, 'file' | 'line' | 'seed'>,
  plugins: readonly string[] = [],
): string {
  const path = file.startsWith('-') ? `./${file}` : file;
  const words = [
    `${path}:${line}`,
    ...(seed === 1 ? [] : ['--seed', String(seed)]),
    ...plugins.flatMap((each) => ['--plugins', each]),
  ];
  return `lazarus test ${words.map(shellWord).join(' ')}`;
}

function shellWord(text: string): string {
  return /^[\w./@:-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function pretty({ results, coverage = [], plugins }: TestReport, options: RenderOptions): string {
  const paint = createPaint(options);
  const files = Map.groupBy(results, ({ file }) => file);
  const failed = results.filter(({ passed }) => !passed).length;
  const counts = `${results.length - failed} passed, ${failed} failed`;
  return [
    ...[...files].flatMap(([file, own]) => [
      paint.bold(file),
      ...own.flatMap((result) => prettyTest(result, plugins, options)),
    ]),
    ...coverage.flatMap((one) => prettyCoverage(one, options)),
    `${plural(results.length, 'test')}: ${failed === 0 ? paint.green(counts) : paint.red(counts)}`,
  ].join('\n');
}

function prettyTest(
  result: RunbookTestResult,
  plugins: TestReport['plugins'],
  options: RenderOptions,
): readonly string[] {
  const paint = createPaint(options);
  const name = oneLine(result.name);
  if (result.passed) return [`  ${paint.green('ok')}    ${name}  ${paint.dim(humanDuration(result.tookMs))}`];
  return [
    `  ${paint.red('FAIL')}  ${paint.bold(name)}`,
    ...failureLines(result).map((line) => (line === '' ? '' : `        ${colored(line, paint)}`)),
    `        ${paint.cyan(reproduction(result, plugins))}`,
  ];
}

function colored(line: string, paint: ReturnType<typeof createPaint>): string {
  if (line.startsWith('-')) return paint.red(line);
  return line.startsWith('+') ? paint.green(line) : line;
}

/** Each expectation that did not hold, with its place, and then the trace with what is missing and what is surplus. */
function failureLines({ failures, diff }: RunbookTestResult): readonly string[] {
  const places = failures.map(
    ({ file, line, column, path, expected, actual }) =>
      `${file}:${line}:${column} ${path}: expected ${expected}, was ${actual}`,
  );
  const trace = diff.length === 0 ? [] : ['', '- expected  + actual', ...diff, ''];
  return [...places, ...trace].map((line) => line.replace(/\S.*/s, oneLineOf));
}

/** One harmless line that keeps the columns of a trace. */
function oneLineOf(text: string): string {
  return text
    .split('  ')
    .map((part) => (part === '' ? '' : oneLine(part)))
    .join('  ');
}

function prettyCoverage(
  { subject, ratio, missing, min, isEnough }: TestCoverage,
  options: RenderOptions,
): readonly string[] {
  const paint = createPaint(options);
  const wanted = isEnough ? '' : `, wanted are ${percent(min)}`;
  const line = `coverage of ${subject}: ${percent(ratio)}${wanted}`;
  return [isEnough ? line : paint.red(line), ...missing.map((way) => `  no test: ${way}`)];
}

/** Rounded down, so that 100 % means all. */
function percent(ratio: number): string {
  return `${Math.floor(ratio * 100)} %`;
}

/** @remarks Source: the schema of JUnit reports that Jenkins reads. */
function junit({ results, coverage = [], plugins }: TestReport): string {
  const suites = [...Map.groupBy(results, ({ file }) => file)].map(([file, own]) =>
    suite(
      file,
      own.map((result) => junitCase(result, plugins)),
      own.filter(({ passed }) => !passed).length,
      totalMs(own),
    ),
  );
  const covered = coverage.map(coverageCase);
  const lacking = coverage.filter(({ isEnough }) => !isEnough).length;
  const all = covered.length === 0 ? suites : [...suites, suite('coverage', covered, lacking, 0)];
  const failures = results.filter(({ passed }) => !passed).length + lacking;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${attributes({ tests: results.length + covered.length, failures, time: seconds(totalMs(results)) })}>`,
    ...all,
    '</testsuites>',
  ].join('\n');
}

function suite(name: string, cases: readonly string[], failures: number, ms: number): string {
  const about = attributes({ name, tests: cases.length, failures, time: seconds(ms) });
  return [`  <testsuite ${about}>`, ...cases, '  </testsuite>'].join('\n');
}

function junitCase(result: RunbookTestResult, plugins: TestReport['plugins']): string {
  const { name, subject, file, line, tookMs, passed, failures } = result;
  const about = attributes({ name, classname: subject, file, line, time: seconds(tookMs) });
  if (passed) return `    <testcase ${about}/>`;
  const message = failures.map(
    ({ path, expected, actual }) => `${path}: expected ${expected}, was ${actual}`,
  );
  const text = [...failureLines(result), reproduction(result, plugins)].join('\n');
  return `    <testcase ${about}><failure ${attributes({ message: message.join('; '), type: 'expectation' })}>${escapeXml(text)}</failure></testcase>`;
}

function coverageCase({ subject, ratio, min, isEnough, missing }: TestCoverage): string {
  const about = attributes({ name: `coverage of ${subject}`, classname: subject });
  if (isEnough) return `    <testcase ${about}/>`;
  const message = attributes({ message: `${percent(ratio)}, wanted are ${percent(min)}`, type: 'coverage' });
  return `    <testcase ${about}><failure ${message}>${escapeXml(missing.join('\n'))}</failure></testcase>`;
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}="${escapeXml(String(value)).replaceAll('\n', '&#10;')}"`)
    .join(' ');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Characters that XML 1.0 does not know are left out: one of them would make the whole report unreadable. */
function escapeXml(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '')
    .replaceAll(/[&<>"]/g, (found) => ENTITIES[found] ?? '');
}

function totalMs(results: readonly RunbookTestResult[]): number {
  return results.reduce((sum, { tookMs }) => sum + tookMs, 0);
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(3);
}

/** @remarks Source: TAP version 14. */
function tap({ results, coverage = [], plugins }: TestReport): string {
  const lines = results.map((result, index) => {
    const line = `${result.passed ? 'ok' : 'not ok'} ${index + 1} - ${tapText(result.name)}`;
    return result.passed ? line : [line, ...diagnostic(result, plugins)].join('\n');
  });
  const covered = coverage.map(
    ({ subject, ratio, isEnough }, index) =>
      `${isEnough ? 'ok' : 'not ok'} ${results.length + index + 1} - coverage of ${subject} is ${percent(ratio)}`,
  );
  return ['TAP version 14', `1..${results.length + covered.length}`, ...lines, ...covered].join('\n');
}

/** `#` begins a directive. */
function tapText(text: string): string {
  return oneLine(text).replaceAll(/[\\#]/g, String.raw`\$&`);
}

function diagnostic(result: RunbookTestResult, plugins: TestReport['plugins']): readonly string[] {
  const { failures, diff } = result;
  return [
    '  ---',
    '  failures:',
    ...failures.flatMap(({ file, line, column, path, expected, actual }) => [
      `    - at: ${JSON.stringify(`${file}:${line}:${column}`)}`,
      `      path: ${JSON.stringify(path)}`,
      `      expected: ${JSON.stringify(expected)}`,
      `      actual: ${JSON.stringify(actual)}`,
    ]),
    '  diff:',
    ...diff.map((line) => `    - ${JSON.stringify(line)}`),
    `  reproduce: ${JSON.stringify(reproduction(result, plugins))}`,
    '  ...',
  ];
}
