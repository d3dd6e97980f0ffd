import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isLazarusError } from '@lazarus/core';
import { createDevCertificates, resolveMembership } from '@lazarus/quorum';
import { CliFailure } from '../cli-failure.ts';
import { print } from '../context.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';

const DAY_MS = 86_400_000;
/** A key that others can read proves nothing. */
const ONLY_OWNER = 0o600;
const EVERYBODY_READS = 0o644;

/** Options of `lazarus dev-certs`. */
export interface DevCertsOptions {
  readonly out: string;
  readonly nodes: readonly string[];
  readonly days: number;
  readonly force?: boolean;
}

interface CertificateFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

/**
 * Writes an authority and a certificate for each node into a folder. The key of the authority is kept nowhere: whoever
 * finds the folder later can pose as the nodes that are in it, and as no other. Keeps S18.
 */
export async function devCerts(options: DevCertsOptions, { terminal }: Context): Promise<ExitCode> {
  requireMembers(options.nodes);
  const files = filesOf(options, terminal.now());
  if (options.force !== true) refuseToOverwrite(files);
  try {
    await mkdir(options.out, { recursive: true });
    for (const file of files) await replace(file);
  } catch (error) {
    throw new CliFailure(
      EXIT.failed,
      `the certificates could not be written to ${options.out}: ${(error as Error).message}`,
    );
  }
  for (const line of nextSteps(options)) print(terminal, line);
  return EXIT.ok;
}

function requireMembers(nodes: readonly string[]): void {
  try {
    resolveMembership({ members: nodes.map((id) => ({ id, zone: 'any' })) });
  } catch (error) {
    if (!isLazarusError(error)) throw error;
    throw new CliFailure(EXIT.invalid, `--nodes ${nodes.join(',')} cannot be used: ${error.message}`);
  }
}

function filesOf(options: DevCertsOptions, nowMs: number): readonly CertificateFile[] {
  const { ca, nodes } = createDevCertificates({
    members: options.nodes,
    nowMs,
    validForMs: options.days * DAY_MS,
  });
  const at = (name: string): string => join(options.out, name);
  return [
    { path: at('ca.crt'), text: ca.cert, mode: EVERYBODY_READS },
    ...Object.entries(nodes).flatMap(([id, { cert, key }]) => [
      { path: at(`${id}.crt`), text: cert, mode: EVERYBODY_READS },
      { path: at(`${id}.key`), text: key, mode: ONLY_OWNER },
    ]),
  ];
}

function refuseToOverwrite(files: readonly CertificateFile[]): void {
  const there = files.map(({ path }) => path).filter((path) => existsSync(path));
  if (there.length === 0) return;
  throw new CliFailure(
    EXIT.failed,
    `${there.join(', ')} ${there.length === 1 ? 'is' : 'are'} there already: choose another --out, or replace everything with --force`,
  );
}

/** A new file, because the mode of one that exists stays what it was. */
async function replace({ path, text, mode }: CertificateFile): Promise<void> {
  await rm(path, { force: true });
  await writeFile(path, text, { flag: 'wx', mode });
}

function nextSteps({ out, nodes, days }: DevCertsOptions): readonly string[] {
  const [first = 'a'] = nodes;
  return [
    `wrote ${join(out, 'ca.crt')}, and a .crt and a .key for ${nodes.join(', ')}; valid for ${days} ${days === 1 ? 'day' : 'days'}`,
    '',
    'Next:',
    `  1. copy ca.crt and the two files of each node to that node, and no others`,
    `  2. name them in the settings of the node, for example of ${first}:`,
    '       tls:',
    `         ca: ${join(out, 'ca.crt')}`,
    `         cert: ${join(out, `${first}.crt`)}`,
    `         key: ${join(out, `${first}.key`)}`,
    '  3. for production use an authority of your own: a node needs a certificate whose only DNS name is its id',
  ];
}
