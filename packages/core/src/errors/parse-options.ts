import type { z } from 'zod';
import { explainSchemaIssues } from '../documents/schema-issues.ts';
import { ConfigurationError } from './lazarus-error.ts';

/**
 * Parses the options of a constructor once, into their resolved form; the message names every option that is wrong.
 *
 * @param of - What was being made, for the message (`createMemoryLocks`).
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 */
export function parseOptions<S extends z.ZodType>(of: string, schema: S, options: unknown): z.output<S> {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  throw new ConfigurationError({
    code: 'LZ_OPTION_INVALID',
    summary: `${of} was given options that it cannot use:`,
    issues: explainSchemaIssues(schema, options, parsed.error.issues).map(({ path, message, hint }) => ({
      path,
      message,
      ...(hint === undefined ? {} : { hint }),
    })),
    cause: parsed.error,
  });
}
