import type { z } from 'zod';
import { ConfigurationError } from '../errors/lazarus-error.ts';
import type { Issue } from '../errors/lazarus-error.ts';
import type { DocumentPath } from './document-path.ts';
import { formatPath } from './document-path.ts';
import type { ParsedDocument } from './parsed-document.ts';
import { explainSchemaIssues } from './schema-issues.ts';

/** How to name the document in messages. */
export interface ValidateOptions {
  /** @defaultValue the file that the document was parsed from */
  readonly file?: string;
}

/** Outcome of {@link checkDocument}. */
export type DocumentCheck<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly issues: readonly Issue[] };

/**
 * Validates a parsed document and returns what the schema makes of it.
 *
 * @throws ConfigurationError `LZ_CONFIG_INVALID` with all issues: `file:line:column`, path, what was found, what was
 * expected, and a suggestion for unknown names.
 */
export function validateDocument<S extends z.ZodType>(
  schema: S,
  document: ParsedDocument,
  options: ValidateOptions = {},
): z.output<S> {
  const checked = checkDocument(schema, document, options);
  if (checked.ok) return checked.value;
  throw new ConfigurationError({
    summary: `${options.file ?? document.file} was refused`,
    issues: checked.issues,
  });
}

/** Like {@link validateDocument}, with the refusal as a value: a linter collects issues over many documents. */
export function checkDocument<S extends z.ZodType>(
  schema: S,
  document: ParsedDocument,
  options: ValidateOptions = {},
): DocumentCheck<z.output<S>> {
  const parsed = schema.safeParse(document.value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const file = options.file ?? document.file;
  const issues = explainSchemaIssues(schema, document.value, parsed.error.issues).map(
    ({ segments, part, path, message, hint }): Issue => ({
      file,
      ...document.locate(segments, part),
      path,
      message,
      ...(hint === undefined ? {} : { hint }),
    }),
  );
  return { ok: false, issues: issues.sort(inTextOrder) };
}

function inTextOrder(left: Issue, right: Issue): number {
  return (left.line ?? 0) - (right.line ?? 0) || (left.column ?? 0) - (right.column ?? 0);
}

/** An issue found by other means than a schema, at its place in the document. */
export function documentIssue(
  document: ParsedDocument,
  path: DocumentPath,
  message: string,
  hint?: string,
): Issue {
  const place = document.locate(path);
  return {
    file: document.file,
    ...place,
    path: formatPath(path),
    message,
    ...(hint === undefined ? {} : { hint }),
  };
}
