import { format } from 'prettier';
import { describe, expect, it } from 'vitest';
import { METRICS, PROBLEMS } from '../src/index.ts';
import type { ApiPorts } from '../src/index.ts';
import { createFixture } from './fixture.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: string | number | boolean;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
}

interface Operation {
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly description: string;
        readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
      }
    >
  >;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** A schema in words. */
function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1) ?? '';
    return `[${name}](#${name.toLowerCase()})`;
  }
  const either = schema.oneOf ?? schema.anyOf;
  if (either !== undefined) return either.map(typeOf).join(' or ');
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined)
    return schema.enum.map((value) => (value === '' ? '(empty)' : `\`${String(value)}\``)).join(', ');
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`;
  if (schema.properties !== undefined) {
    return `object of ${Object.entries(schema.properties)
      .map(([name, part]) => `\`${name}\` (${typeOf(part)})`)
      .join(', ')}`;
  }
  const name = [schema.type ?? 'any JSON'].flat().join(' or ');
  return schema.format === undefined ? name : `${name} (${schema.format})`;
}

function fieldsOf(schema: Schema): readonly string[] {
  if (schema.properties === undefined) return [typeOf(schema), ''];
  const rows = Object.entries(schema.properties).map(
    ([name, part]) =>
      `| \`${name}\` | ${typeOf(part)} | ${schema.required?.includes(name) === true ? 'yes' : ''} |`,
  );
  return ['| field | type | always |', '| --- | --- | --- |', ...rows, ''];
}

function operationOf(method: string, path: string, operation: Operation): readonly string[] {
  const query = operation.parameters?.filter((parameter) => parameter.in === 'query') ?? [];
  const body = operation.requestBody?.content['application/json']?.schema;
  return [
    `### ${method.toUpperCase()} ${path}`,
    '',
    `${operation.summary}.`,
    '',
    ...(operation.description === undefined ? [] : [operation.description, '']),
    ...(query.length === 0 ? [] : ['Query:', '', '| parameter | type | required |', '| --- | --- | --- |']),
    ...query.map(
      ({ name, schema, required }) =>
        `| \`${name}\` | ${typeOf(schema)} | ${required === true ? 'yes' : ''} |`,
    ),
    ...(query.length === 0 ? [] : ['']),
    ...(body === undefined ? [] : [`Body: ${typeOf(body)}.`, '']),
    ...Object.entries(operation.responses).map(([status, { description, content }]) => {
      const [answer] = Object.entries(content);
      const [mediaType, { schema }] = answer ?? ['', { schema: {} }];
      return `- ${status}: ${description}${status === '200' ? ` (\`${mediaType}\`): ${typeOf(schema)}` : ''}`;
    }),
    '',
  ];
}

function render({ paths, components }: Document): string {
  return [
    '# HTTP API of a node',
    '',
    '<!-- Generated from the OpenAPI document (`GET /openapi.json`). Do not edit: run `npx vitest run packages/api -u`. -->',
    '',
    'Every answer that is not a success is a [Problem](#problem). With tokens configured every endpoint but `/livez`, `/readyz` and `/readyz/act` needs `Authorization: Bearer …`. Unknown parameters and keys are refused. A change needs `Content-Type: application/json`, and no foreign `Origin`.',
    '',
    '## Endpoints',
    '',
    ...Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([method, operation]) => operationOf(method, path, operation)),
    ),
    '## Problems',
    '',
    '| code | status | meaning |',
    '| --- | --- | --- |',
    ...Object.entries(PROBLEMS).map(
      ([code, { status, summary }]) => `| \`${code}\` | ${status} | ${summary} |`,
    ),
    '',
    '## Metrics',
    '',
    '| name | meaning |',
    '| --- | --- |',
    ...Object.entries(METRICS).map(([name, meaning]) => `| \`${name}\` | ${meaning} |`),
    '',
    '## Shapes',
    '',
    ...Object.entries(components.schemas).flatMap(([name, schema]) => [
      `### ${name}`,
      '',
      ...fieldsOf(schema),
    ]),
  ].join('\n');
}

describe('docs/reference/api.md', () => {
  it('says what the OpenAPI document says', async () => {
    // With every optional port: what a node with all of them offers.
    const ports: Partial<ApiPorts> = {
      dryRuns: { of: () => undefined },
      rollouts: { list: async () => [], act: async () => false },
    };
    const { get } = createFixture({ ports });
    const { body } = await get('/openapi.json');
    const text = await format(render(body as unknown as Document), { parser: 'markdown', printWidth: 110 });
    await expect(text).toMatchFileSnapshot('../../../docs/reference/api.md');
  });
});
