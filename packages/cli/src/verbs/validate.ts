import type { Finding } from '@lazarus/core/config';
import { CliFailure } from '../cli-failure.ts';
import { print } from '../context.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { packageVersion } from '../package-version.ts';
import { loadPlugins } from '../plugins/load-plugins.ts';
import { plural, shortId } from '../render/amounts.ts';
import { checkDocuments } from '../validate/check-documents.ts';
import { findDocuments } from '../validate/find-documents.ts';
import { renderFindings } from '../validate/formats.ts';
import type { ValidateFormat } from '../validate/formats.ts';

/** Options of {@link validate}. */
export interface ValidateOptions {
  readonly output: ValidateFormat;
  /** Modules with actions, preconditions and event types of one's own. */
  readonly plugins: readonly string[];
}

/** Checks documents without a node. Findings are data: they go to standard output. */
export async function validate(
  paths: readonly string[],
  options: ValidateOptions,
  { terminal }: Context,
): Promise<ExitCode> {
  const found = await findDocuments(paths);
  if (found.documents.length + found.unknown.length === 0) {
    throw new CliFailure(EXIT.invalid, `there is no YAML document in ${paths.join(', ')}`);
  }
  const { findings, digest } = checkDocuments(found.documents, await loadPlugins(options.plugins));
  const all = [...found.unknown.map(unknownKind), ...findings];
  const text = renderFindings(all, options.output, { digest, version: packageVersion() });
  if (text !== '') print(terminal, text);
  terminal.err(`${summary(all, found.documents.length, digest)}\n`);
  if (all.some(({ severity }) => severity === 'error')) return EXIT.invalid;
  return all.length > 0 ? EXIT.failed : EXIT.ok;
}

function unknownKind(file: string): Finding {
  const hint = 'put it into rules/, profiles/, services/ or workflows/, or name it settings.yaml';
  return {
    code: 'invalid',
    severity: 'error',
    issue: { file, path: '', message: 'is no rule, profile, service, workflow or settings document', hint },
  };
}

function summary(findings: readonly Finding[], documents: number, digest: string | undefined): string {
  const checked = plural(documents, 'document');
  if (findings.length > 0) return `${checked} checked, ${plural(findings.length, 'problem')}`;
  return `${checked} checked, no problem${digest === undefined ? '' : `, config ${shortId(digest)}`}`;
}
