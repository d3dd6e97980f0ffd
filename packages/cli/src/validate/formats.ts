import { formatIssue } from '@lazarus/core/errors';
import type { Issue } from '@lazarus/core';
import type { Finding, FindingCode } from '@lazarus/core/config';
import { oneLine } from '../render/paint.ts';

/** How findings can be printed. */
export type ValidateFormat = 'text' | 'json' | 'github' | 'sarif';

/** Findings as text: the lines of one format, ready to print. */
export function renderFindings(
  findings: readonly Finding[],
  format: ValidateFormat,
  about: { readonly digest: string | undefined; readonly version: string },
): string {
  switch (format) {
    case 'text':
      return findings.map(textLines).join('\n');
    case 'json':
      return JSON.stringify(
        {
          ok: findings.every(({ severity }) => severity === 'warning'),
          digest: about.digest ?? null,
          findings: findings.map(flat),
        },
        null,
        2,
      );
    case 'github':
      return findings.map(githubLine).join('\n');
    case 'sarif':
      return JSON.stringify(sarif(findings, about.version), null, 2);
  }
}

function textLines({ severity, code, issue, counterexample }: Finding): string {
  const line = oneLine(`${formatIssue(issue)} [${severity} ${code}]`);
  return counterexample === undefined
    ? line
    : `${line}\n  for example: ${oneLine(JSON.stringify(counterexample))}`;
}

/** One level, so that a program reads `file` and `code` side by side. */
function flat({ issue, ...finding }: Finding): object {
  return { ...finding, ...issue };
}

/** A workflow command of GitHub Actions. @remarks Source: GitHub docs, workflow commands. */
function githubLine({ severity, code, issue }: Finding): string {
  const place = Object.entries({ file: issue.file, line: issue.line, col: issue.column })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${escapeProperty(String(value))}`);
  return `::${severity} ${[...place, `title=${code}`].join(',')}::${escapeData(sentence(issue))}`;
}

/** The issue without its place. */
function sentence({ path, message, hint }: Issue): string {
  return formatIssue({ path, message, ...(hint === undefined ? {} : { hint }) });
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/** What each kind of finding is about. */
const SUMMARIES: Readonly<Record<FindingCode, string>> = {
  invalid: 'A document is refused.',
  missing_value: 'Nobody gives a value that a rule needs.',
  doubtful_workflow: 'A workflow can be run, and probably does not do what was meant.',
  missing_check: 'A rule acts without a check that it should have.',
  unreachable: 'A rule matches no event.',
  shadowed: 'A rule never wins: another one takes its events.',
  overlap: 'Two rules match the same event.',
  scanned: 'A rule has no criterion that can be looked up.',
  deadline: 'The timeouts of a rule do not fit before the page escalates.',
  check_timeout: 'A check may take longer than the ballot.',
  lock_ttl: 'A lock may expire before its run ends.',
  pager_acknowledgement: 'The acknowledgement of the pager may end before the run.',
  pager_first_level: 'The first level of the pager has more than one target.',
  pager_escalation: 'The pager escalates later than is assumed.',
};

/** @remarks Source: OASIS SARIF 2.1.0. */
function sarif(findings: readonly Finding[], version: string): object {
  const rules = Object.entries(SUMMARIES).map(([id, text]) => ({ id, shortDescription: { text } }));
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'lazarus', version, rules } },
        results: findings.map(({ severity, code, issue }) => ({
          ruleId: code,
          level: severity,
          message: { text: sentence(issue) },
          ...(issue.file === undefined
            ? {}
            : { locations: [locationOf(issue.file, issue.line, issue.column)] }),
        })),
      },
    ],
  };
}

function locationOf(file: string, line: number | undefined, column: number | undefined): object {
  return {
    physicalLocation: {
      artifactLocation: { uri: encodeURI(file) },
      ...(line === undefined
        ? {}
        : { region: { startLine: line, ...(column === undefined ? {} : { startColumn: column }) } }),
    },
  };
}
