import { z } from '@hono/zod-openapi';
import type { Endpoint } from '../endpoint.ts';
import type { NodeInfo } from './health.ts';

/** One line of the index. */
export interface IndexLine {
  readonly method: string;
  readonly path: string;
  readonly summary: string;
}

/** `GET /`: what there is, as plain text. */
export function indexEndpoint(node: NodeInfo, lines: () => readonly IndexLine[]): Endpoint {
  return {
    method: 'get',
    path: '/',
    summary: 'What there is',
    answer: { mediaType: 'text/plain', description: 'This list', schema: z.string() },
    handle: (context) => context.text(renderIndex(node, lines())),
  };
}

function renderIndex(node: NodeInfo, lines: readonly IndexLine[]): string {
  const where = node.zone === undefined ? node.region : `${node.region}, zone ${node.zone}`;
  const widest = Math.max(...lines.map(({ path }) => path.length));
  const rows = lines.map(
    ({ method, path, summary }) => `  ${method.toUpperCase().padEnd(6)} ${path.padEnd(widest)}  ${summary}`,
  );
  return [`Lazarus ${node.version}, node ${node.name} in ${where}`, '', ...rows, ''].join('\n');
}
