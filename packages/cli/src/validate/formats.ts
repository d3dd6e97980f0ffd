import { formatIssue } from '@lazarus/core';
import type { Issue } from '@lazarus/core';
import { oneLine } from '../render/paint.ts';
import type { Finding } from './check-documents.ts';

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
      return findings.map(({ severity, issue }) => oneLine(`${formatIssue(issue)} [${severity}]`)).join('\n');
    case 'json':
      return JSON.stringify(
        { ok: findings.length === 0, digest: about.digest ?? null, findings: findings.map(flat) },
        null,
        2,
      );
    case 'github':
      return findings.map(githubLine).join('\n');
    case 'sarif':
      return JSON.stringify(sarif(findings, about.version), null, 2);
  }
}

function flat({ severity, issue }: Finding): object {
  return { severity, ...issue };
}

/** A workflow command of GitHub Actions. @remarks Source: GitHub docs, workflow commands. */
function githubLine({ severity, issue }: Finding): string {
  const place = Object.entries({ file: issue.file, line: issue.line, col: issue.column })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${escapeProperty(String(value))}`);
  return `::${severity} ${place.join(',')}::${escapeData(sentence(issue))}`;
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

/** @remarks Source: OASIS SARIF 2.1.0. */
function sarif(findings: readonly Finding[], version: string): object {
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'lazarus',
            version,
            rules: [{ id: 'LZ_CONFIG_INVALID', shortDescription: { text: 'A document was refused.' } }],
          },
        },
        results: findings.map(({ severity, issue }) => ({
          ruleId: 'LZ_CONFIG_INVALID',
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
