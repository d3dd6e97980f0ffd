import { readFile } from 'node:fs/promises';
import { ConfigurationError } from '@lazarus/core';
import type { NodeCertificate } from '../certificates/check-certificate.ts';
import { checkCertificate } from '../certificates/check-certificate.ts';

/**
 * Reads the certificate of a node, its key and the authority, and checks that they fit the node and each other.
 *
 * @param files - Paths of the three PEM files.
 * @throws ConfigurationError `LZ_OPTION_INVALID`, with what to do.
 */
export async function readNodeCertificate(
  files: NodeCertificate,
  about: { readonly self: string; readonly nowMs: number },
): Promise<NodeCertificate> {
  const texts = {
    ca: await read('ca', files.ca),
    cert: await read('cert', files.cert),
    key: await read('key', files.key),
  };
  checkCertificate(texts, about);
  return texts;
}

async function read(field: keyof NodeCertificate, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new ConfigurationError({
      code: 'LZ_OPTION_INVALID',
      summary: 'the certificate of this node cannot be read:',
      issues: [
        {
          path: `tls.${field}`,
          message: `${path}: ${(error as NodeJS.ErrnoException).code ?? 'cannot be read'}`,
          hint: 'lazarus dev-certs makes certificates for a laboratory',
        },
      ],
      cause: error,
    });
  }
}
