import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ConfigurationError } from '@lazarus/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadPlugins } from '../src/plugins.ts';
import type { Plugins } from '../src/plugins.ts';

const CORE = import.meta.resolve('@lazarus/core');
const DAG = import.meta.resolve('@lazarus/dag');
const ZOD = import.meta.resolve('zod');
const HEAD = `import { defineEventType, definePrecondition } from '${CORE}';
import { defineAction } from '${DAG}';
import { z } from '${ZOD}';
const none = z.strictObject({});
`;
const precondition = (name: string, more = ''): string =>
  `definePrecondition({ name: '${name}', summary: 'It is fine.', params: none, check: () => ({ verdict: 'pass' })${more} })`;
const action = (name: string, version = 1): string =>
  `defineAction({ name: '${name}', version: ${version}, summary: 'Does it.', idempotent: true, input: none, output: none, run: async () => ({}) })`;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lazarus-plugins-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}

const load = (...names: string[]): Promise<Plugins> => loadPlugins(names, folder);

/** The issues that loading is refused with, one line each. */
async function refusal(...names: string[]): Promise<readonly string[]> {
  const error: unknown = await load(...names).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConfigurationError);
  const { code, issues } = error as ConfigurationError;
  expect(code).toBe('LZ_DEFINITION_INVALID');
  return issues.map(({ file, path, message, hint }) => `${file} | ${path} | ${message} | ${hint ?? ''}`);
}

const versionOf = async (...names: string[]): Promise<string | undefined> =>
  (await load(...names)).identities[0]?.version;

describe('plugins of a file', () => {
  it('are found relative to the folder that names them, by named and by default exports', async () => {
    await put(
      'plugins/x.ts',
      `${HEAD}export const preconditions: unknown[] = [${precondition('NotOnFriday')}];
export default { actions: [${action('acme.do')}] };`,
    );
    const plugins = await load('./plugins/x.ts');
    expect(plugins.preconditions.map(({ name }) => name)).toEqual(['NotOnFriday']);
    expect(plugins.actions.map(({ name }) => name)).toEqual(['acme.do']);
    expect(plugins.identities).toEqual([
      { name: 'x.ts', version: expect.stringMatching(/^sha256-[0-9a-f]{64}$/) as string },
    ]);
  });

  it('are none when none are named', async () => {
    expect(await load()).toMatchObject({ actions: [], preconditions: [], eventTypes: [], identities: [] });
  });
});

describe('plugins of a package', () => {
  const manifest = (
    version: string,
    exports: unknown = { '.': { types: './x.d.ts', import: './main.mjs' } },
  ) => JSON.stringify({ name: '@acme/checks', version, type: 'module', exports });

  it('are found by name from the folder upwards, by what it exports for an import', async () => {
    await put('node_modules/@acme/checks/package.json', manifest('1.2.3'));
    await put('node_modules/@acme/checks/main.mjs', `${HEAD}export const actions = [${action('acme.do')}];`);
    const plugins = await loadPlugins(['@acme/checks'], join(folder, 'etc'));
    expect(plugins.actions.map(({ name }) => name)).toEqual(['acme.do']);
    expect(plugins.identities[0]).toMatchObject({
      name: '@acme/checks',
      version: expect.stringMatching(/^1\.2\.3 sha256-/) as string,
    });
  });

  it('S15: are others with another version, another file, or another version of a dependency', async () => {
    const depending = (version: string): string =>
      JSON.stringify({ name: '@acme/checks', version, main: 'main.mjs', dependencies: { tz: '*' } });
    await put('node_modules/@acme/checks/package.json', depending('1.0.0'));
    await put('node_modules/@acme/checks/main.mjs', `${HEAD}export const actions = [];`);
    await put('node_modules/tz/package.json', '{ "version": "1.0.0" }');
    const seen = [await versionOf('@acme/checks')];
    await put('node_modules/@acme/checks/package.json', depending('1.0.1'));
    seen.push(await versionOf('@acme/checks'));
    await put('node_modules/@acme/checks/lib/table.json', '[1]');
    seen.push(await versionOf('@acme/checks'));
    await put('node_modules/tz/package.json', '{ "version": "1.0.1" }');
    seen.push(await versionOf('@acme/checks'));
    expect(new Set(seen).size).toBe(4);
    expect(await versionOf('@acme/checks')).toBe(seen[3]);
  });

  it('say when it is not installed, and when it exports nothing for an import', async () => {
    expect(await refusal('@acme/missing')).toEqual([
      expect.stringMatching(
        /^@acme\/missing \| {2}\| is neither a file .* nor a package that is installed for/,
      ),
    ]);
    await put('node_modules/@acme/checks/package.json', manifest('1.0.0', { './other': './x.mjs' }));
    expect(await refusal('@acme/checks')).toEqual([
      expect.stringMatching(/^@acme\/checks \| {2}\| is not exported by .*package\.json for an import/),
    ]);
  });
});

describe('what is wrong with plugins', () => {
  it('is told all at once, with module, export and reason', async () => {
    await put(
      'wrong.ts',
      `${HEAD}export const actions: unknown = {};
export const preconditions: unknown[] = [
  { name: 'Plain', check: () => ({ verdict: 'pass' }) },
  { ...${precondition('Fine')}, name: 'not fine' },
  7,
];
export const eventTypes: unknown[] = [{ ...defineEventType({ name: 'DiskFull', summary: 'x', attributes: z.looseObject({}) }), summary: undefined }];`,
    );
    await put('broken.mjs', 'export const actions = [;\n');
    await put('throws.mjs', 'throw new TypeError("no rack");\n');
    await put('alone.ts', `${HEAD}export const mine: unknown = ${precondition('Mine')};`);
    const lines = await refusal('./wrong.ts', './broken.mjs', './throws.mjs', './alone.ts', './none.mjs');
    expect(lines).toHaveLength(9);
    for (const line of [
      './wrong.ts | actions | is no list, expected what defineAction returns in [ ] | ',
      './wrong.ts | preconditions[0] (Plain) | is not what definePrecondition returns | ',
      './wrong.ts | preconditions[1] (not fine) name | "not fine" is not a capital letter followed by letters and digits | ',
      './wrong.ts | preconditions[2] | is not what definePrecondition returns | ',
      './alone.ts |  | exports none of actions, preconditions, eventTypes | export const preconditions = [mine];',
    ])
      expect(lines).toContain(line);
    const text = lines.join('\n');
    expect(text).toMatch(/\.\/wrong\.ts \| eventTypes\[0\] \(DiskFull\) \| cannot be read/);
    expect(text).toMatch(/\.\/broken\.mjs \| {2}\| could not be loaded: /);
    expect(text).toMatch(/\.\/throws\.mjs \| {2}\| could not be loaded: TypeError: no rack/);
    expect(text).toMatch(/\.\/none\.mjs \| {2}\| is not there: .*none\.mjs is no file/);
  });

  it.each([
    [
      'a built-in precondition',
      'preconditions',
      precondition('MinActiveHosts'),
      'precondition MinActiveHosts',
    ],
    [
      'its name in other letters',
      'preconditions',
      precondition('Minactivehosts'),
      'precondition Minactivehosts',
    ],
    [
      'an alias of a built-in one',
      'preconditions',
      precondition('Mine', ", aliases: ['PeerHealth']"),
      'precondition PeerHealth',
    ],
    ['a built-in action, in another version', 'actions', action('host.clone', 2), 'action host.clone@2'],
    [
      'an event type of an adapter',
      'eventTypes',
      "defineEventType({ name: 'NagiosHostAlarm', summary: 'x', attributes: z.looseObject({}) })",
      'event type NagiosHostAlarm',
    ],
  ])('is that a name is that of %s', async (_what, list, definition, named) => {
    await put('x.ts', `${HEAD}export const ${list}: unknown[] = [${definition}];`);
    expect(await refusal('./x.ts')).toEqual([
      `./x.ts | ${named} | has a name that Lazarus itself has already | choose another one, for example with the name of your team in it`,
    ]);
  });

  it('is that two modules have the same name, and not that one has two versions of an action', async () => {
    await put(
      'a.ts',
      `${HEAD}export const actions: unknown[] = [${action('acme.do', 1)}, ${action('acme.do', 2)}];`,
    );
    await put('b.ts', `${HEAD}export const actions: unknown[] = [${action('acme.do', 2)}];`);
    expect((await load('./a.ts')).actions).toHaveLength(2);
    expect(await refusal('./a.ts', './b.ts')).toEqual([
      expect.stringContaining('./b.ts | action acme.do@2 | has a name that ./a.ts has already'),
    ]);
  });
});

describe('the identity of a plugin', () => {
  it('S15: follows what it imports and reads by relative paths, however deep, and package versions', async () => {
    const main = `${HEAD}import { limit } from './lib/limit.mjs';\nexport const actions = []; export { limit };`;
    await put('x.mjs', main);
    await put(
      'lib/limit.mjs',
      "import tz from 'tz';\nexport const limit = new URL('../data/table.json', import.meta.url);",
    );
    await put('data/table.json', '[1]');
    await put('node_modules/tz/package.json', '{ "version": "1.0.0", "main": "index.js" }');
    await put('node_modules/tz/index.js', 'export default 1;');
    const { identityOf } = await import('../src/plugins/plugin-identity.ts');
    const identity = async (path: string): Promise<string> =>
      (await identityOf({ kind: 'file', name: 'x.mjs', path: join(folder, path) })).version;
    const seen = [await identity('x.mjs')];
    await put('data/table.json', '[2]');
    seen.push(await identity('x.mjs'));
    await put('lib/limit.mjs', "import tz from 'tz';\nexport const limit = 2; // '../data/table.json'");
    seen.push(await identity('x.mjs'));
    await put('node_modules/tz/package.json', '{ "version": "1.0.1", "main": "index.js" }');
    seen.push(await identity('x.mjs'));
    await put('x.mjs', `${main}\n`);
    seen.push(await identity('x.mjs'));
    expect(new Set(seen).size).toBe(5);
    await put('unrelated.mjs', '');
    expect(await identity('x.mjs')).toBe(seen[4]);
  });

  it('is the same wherever it is installed, and in whatever order plugins are named', async () => {
    const texts = [
      `${HEAD}export const actions: unknown[] = [];`,
      `${HEAD}export const eventTypes: unknown[] = [];`,
    ];
    for (const [index, text] of texts.entries()) {
      await put(`a/${index}/x.ts`, text);
      await put(`b/deeper/${index}/x.ts`, text);
    }
    const { identities } = await load('./a/0/x.ts', './a/1/x.ts');
    expect(identities.map(({ name }) => name)).toEqual(['x.ts', 'x.ts 2']);
    expect((await load('./b/deeper/1/x.ts', './b/deeper/0/x.ts')).identities).toEqual(identities);
  });

  it('is that of what was loaded; what is changed on disk is told', async () => {
    await put('x.ts', `${HEAD}export const actions: unknown[] = [];`);
    const plugins = await load('./x.ts');
    expect(await plugins.changed()).toEqual([]);
    await put('x.ts', `${HEAD}export const actions: unknown[] = [${action('acme.do')}];`);
    expect(await plugins.changed()).toEqual(['./x.ts']);
    await rm(join(folder, 'x.ts'));
    expect(await plugins.changed()).toEqual(['./x.ts']);
  });
});
