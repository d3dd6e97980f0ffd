import { relative } from 'node:path';
import { PortError } from '@lazarus/core';
import type { ConfigSource, Logger } from '@lazarus/core/ports';
import { findDocuments } from './find-documents.ts';

/**
 * The configuration in a folder: every document in it, at any depth, found and told apart exactly as `lazarus validate`
 * does, so that what one accepts the other loads. What looks like no document is named in the log and left out.
 */
export function createConfigDirectory(folder: string, log?: Pick<Logger, 'warn'>): ConfigSource {
  return {
    async load() {
      const { documents, unknown } = await findDocuments([folder]).catch((error: unknown) => {
        throw new PortError({
          code: 'LZ_CONFIG_UNREADABLE',
          message: `the configuration cannot be used: ${(error as Error).message}`,
          retryable: true,
          cause: error,
        });
      });
      const near = (path: string): string => relative(folder, path);
      if (unknown.length > 0)
        log?.warn('files in the configuration that look like no document', { files: unknown.map(near) });
      return documents.map((document) => ({ ...document, path: near(document.path) }));
    },
  };
}
