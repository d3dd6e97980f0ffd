import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ConfigurationError } from '@lazarus/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadPlugins } from '../src/plugins.ts';
import type { Plugins } from '../src/plugins.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const HEAD = `import { defineEventType, definePrecondition } from '@lazarus/core';
import { defineAction } from '@lazarus/dag';
import { z } from 'zod';
const none = z.strictObject({});
`;
const precondition = (name: string, more = ''): string =>
  `definePrecondition({ name: '${name}', summary: 'It is fine.', params: none, check: () => ({ verdict: 'pass' })${more} })`;
const action = (name: string, version = 1): string =>
  `defineAction({ name: '${name}', version: ${version}, summary: 'Does it.', idempotent: true, input: none, output: none, run: async () => ({}) })`;

let folder: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'lazarus-plugins-')));
  for (const name of ['@lazarus/core', '@lazarus/dag', 'zod'])
    await link(`node_modules/${name}`, join(ROOT, 'node_modules', name));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}

/** A link at a path; what it leads to is written as given, so it may be relative. */
async function link(path: string, to: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await rm(join(folder, path), { force: true });
  await symlink(to, join(folder, path));
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

describe('S15: code that differs', () => {
  const EMPTY = 'export const actions = [];\n';
  const versionIn = async (place: string, name: string): Promise<string | undefined> =>
    (await loadPlugins([name], join(folder, place))).identities[0]?.version;
  /** The versions of one plugin on two nodes that differ in one file. */
  async function onTwoNodes(name: string, build: (node: string, other: string) => Promise<void>) {
    for (const [node, content] of [
      ['a', '1'],
      ['b', '2'],
    ] as const)
      await build(node, `export const limit = ${content};`);
    return [await versionIn('a', name), await versionIn('b', name)];
  }
  const differ = ([left, right]: readonly (string | undefined)[]): boolean => left !== right;

  it('is seen behind a link to a file plugin, which imports from where it really is', async () => {
    const versions = await onTwoNodes('./plugins/p.mjs', async (node, other) => {
      await put(`${node}/real/p.mjs`, `export { limit } from './limit.mjs';\n${EMPTY}`);
      await put(`${node}/real/limit.mjs`, other);
      await link(`${node}/plugins/p.mjs`, '../real/p.mjs');
    });
    expect(versions).toSatisfy(differ);
  });

  it('is seen behind a link to what a file plugin imports, also when two links change places', async () => {
    const build = async (node: string, first: string, second: string): Promise<void> => {
      await put(`${node}/p.mjs`, `import './a.mjs';\nimport './b.mjs';\n${EMPTY}`);
      await put(`${node}/one/x.mjs`, "import './y.mjs';");
      await put(`${node}/one/y.mjs`, '1;');
      await put(`${node}/two/x.mjs`, '2;');
      await link(`${node}/a.mjs`, first);
      await link(`${node}/b.mjs`, second);
    };
    await build('a', 'one/x.mjs', 'two/x.mjs');
    await build('b', 'two/x.mjs', 'one/x.mjs');
    await build('c', 'one/x.mjs', 'two/x.mjs');
    await put('c/one/y.mjs', '3;');
    await build('d', 'one/x.mjs', 'two/x.mjs');
    const versions = await Promise.all(['a', 'b', 'c', 'd'].map((node) => versionIn(node, './p.mjs')));
    expect(new Set(versions).size).toBe(3);
    expect(versions[3]).toBe(versions[0]);
  });

  it('is seen behind an import that is written as a URL', async () => {
    const { identityOf } = await import('../src/plugins/plugin-identity.ts');
    const versions = [];
    for (const node of ['a', 'b']) {
      await put(`${node}/p.mjs`, `import './the%20limit.mjs?now';\n${EMPTY}`);
      await put(`${node}/the limit.mjs`, `export const limit = '${node}';`);
      const place = { kind: 'file', name: 'p.mjs', path: join(folder, node, 'p.mjs') } as const;
      versions.push((await identityOf(place)).version);
    }
    expect(versions).toSatisfy(differ);
  });

  const MANIFEST = JSON.stringify({ version: '1.0.0', type: 'module', exports: './.output/main.mjs' });

  it('is seen below a folder with a dot, where the entry of a package may be', async () => {
    const versions = await onTwoNodes('acme', async (node, other) => {
      await put(`${node}/node_modules/acme/package.json`, MANIFEST);
      await put(`${node}/node_modules/acme/.output/main.mjs`, `${EMPTY}${other}`);
    });
    expect(versions).toSatisfy(differ);
  });

  it('is seen behind a link in a package, and behind one that leads out of it', async () => {
    const inside = await onTwoNodes('acme', async (node, other) => {
      await put(`${node}/node_modules/acme/package.json`, MANIFEST);
      await put(`${node}/node_modules/acme/.output/main.mjs`, `import '../lib/x.mjs';\n${EMPTY}`);
      await put(`${node}/shared/x.mjs`, other);
      await link(`${node}/node_modules/acme/lib`, '../../shared');
    });
    expect(inside).toSatisfy(differ);
    const beyond = await onTwoNodes('acme', async (node, other) => {
      await link(`${node}/node_modules/acme/.output/main.mjs`, '../../../main.mjs');
      await put(`${node}/main.mjs`, `import './deep.mjs';\n${EMPTY}`);
      await put(`${node}/deep.mjs`, other);
      await put(`${node}/shared/x.mjs`, '');
    });
    expect(beyond).toSatisfy(differ);
  });

  it('is read once in a package with a link to a folder that it is in, and a link that leads nowhere', async () => {
    await put('a/node_modules/acme/package.json', MANIFEST);
    await put('a/node_modules/acme/.output/main.mjs', EMPTY);
    const before = await versionIn('a', 'acme');
    await link('a/node_modules/acme/.output/again', '..');
    await link('a/node_modules/acme/nowhere', './gone');
    await link('a/node_modules/acme/itself', './itself');
    expect(await versionIn('a', 'acme')).toBe(before);
  });

  it.each(['peerDependencies', 'optionalDependencies'])(
    'is seen in the version of one of its %s',
    async (kind) => {
      await put(
        'a/node_modules/acme/package.json',
        JSON.stringify({ version: '1.0.0', exports: './main.mjs', [kind]: { tz: '*' } }),
      );
      await put('a/node_modules/acme/main.mjs', EMPTY);
      await put('a/node_modules/tz/package.json', '{ "version": "1.0.0" }');
      const before = await versionIn('a', 'acme');
      await put('a/node_modules/tz/package.json', '{ "version": "1.0.1" }');
      expect(await versionIn('a', 'acme')).not.toBe(before);
    },
  );
});

describe('a plugin is refused', () => {
  it.each(['node_modules/inner/main.mjs', '.git/main.mjs', '../main.mjs', 'gone.mjs'])(
    'when the entry of a package is %s, which is not hashed',
    async (entry) => {
      await put('node_modules/acme/package.json', JSON.stringify({ main: entry }));
      if (entry !== 'gone.mjs') await put(`node_modules/acme/${entry}`, 'export const actions = [];');
      expect(await refusal('acme')).toEqual([
        `acme |  | could not be loaded: its entry ${entry} is no file of the package outside of node_modules and .git | `,
      ]);
    },
  );

  it.each([
    ["import '/opt/x.mjs';", '/opt/x.mjs'],
    ["export * from 'file:///opt/x.mjs';", 'file:///opt/x.mjs'],
    ['await import(/* later */ `#internal`);', '#internal'],
    ["createRequire(import.meta.url); require('/opt/x.cjs');", '/opt/x.cjs'],
    ["import.meta.resolve('#internal');", '#internal'],
  ])('when a file of it has %s', async (text, specifier) => {
    await put('x.mjs', "import './lib.mjs';\nexport const actions = [];");
    await put('lib.mjs', text);
    expect(await refusal('./x.mjs')).toEqual([
      `./x.mjs |  | could not be loaded: lib.mjs imports "${specifier}", which nodes could not compare: use a relative path or the name of a package | `,
    ]);
  });

  it('when a package has more than 2 000 files, and not when it has 2 000', async () => {
    await put('node_modules/acme/package.json', '{ "main": "main.mjs" }');
    await put('node_modules/acme/main.mjs', 'export const actions = [];');
    for (let index = 2; index < 2_000; index += 1)
      writeFileSync(join(folder, 'node_modules/acme', `${index}.json`), '');
    expect((await load('acme')).identities).toHaveLength(1);
    await put('node_modules/acme/one-more.json', '');
    expect(await refusal('acme')).toEqual([
      `acme |  | could not be loaded: ${folder}/node_modules/acme has more than 2000 files: bundle the plugin into one | `,
    ]);
  });

  it('when its package.json is broken or it is a URL of another machine, with its name', async () => {
    await put('node_modules/acme/package.json', '{ "main": ');
    await put('node_modules/other/package.json', 'null');
    const [broken, empty, remote, ...rest] = await refusal('acme', 'other', 'file://elsewhere/x.mjs');
    expect(rest).toEqual([]);
    expect(broken).toContain(
      `acme |  | could not be loaded: ${folder}/node_modules/acme/package.json is no JSON: `,
    );
    expect(empty).toContain(
      `other |  | could not be loaded: ${folder}/node_modules/other/package.json holds no object`,
    );
    expect(remote).toMatch(
      /^file:\/\/elsewhere\/x\.mjs \| {2}\| could not be loaded: TypeError: File URL host must be/,
    );
    expect(remote).not.toContain('plugin-place');
  });

  it('when it defines something wrong while it loads, with every issue of that', async () => {
    await put(
      'x.mjs',
      `${HEAD}export const preconditions = [definePrecondition({ name: 'not fine', summary: '', params: none, check: 7 })];`,
    );
    const lines = await refusal('./x.mjs');
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.join('\n')).toMatch(
      /could not be loaded: .*name "not fine" is not a capital letter followed by/,
    );
    for (const line of lines) expect(line).toMatch(/^\.\/x\.mjs \| {2}\| could not be loaded: /);
  });

  it('when it was changed on disk while it was loading', async () => {
    await put(
      'x.mjs',
      `import { appendFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
appendFileSync(fileURLToPath(import.meta.url), '// changed');
export const actions = [];`,
    );
    expect(await refusal('./x.mjs')).toEqual([
      './x.mjs |  | could not be loaded: it was changed on disk meanwhile: try again | ',
    ]);
  });

  it('when the link to it leads elsewhere meanwhile, and tells that later as a change', async () => {
    await put('one.mjs', 'export const actions = [];');
    await put('two.mjs', 'export const actions = []; // 2');
    await link('x.mjs', 'one.mjs');
    const plugins = await load('./x.mjs');
    expect(await plugins.changed()).toEqual([]);
    await link('x.mjs', 'two.mjs');
    expect(await plugins.changed()).toEqual(['./x.mjs']);
  });

  it('when it does not end loading, in words: the process waits for it and does not just end', async () => {
    await put('x.mjs', 'await new Promise(() => {});\nexport const actions = [];');
    const script = `import { loadPlugins } from ${JSON.stringify(new URL('../src/plugins.ts', import.meta.url).href)};
await loadPlugins(['./x.mjs'], ${JSON.stringify(folder)}, { loadTimeoutMs: 200 }).catch((error) => console.log(error.message));`;
    const words = ['--conditions=@lazarus/source', '--input-type=module', '--eval', script];
    const { stdout } = await promisify(execFile)(process.execPath, words);
    expect(stdout).toContain('./x.mjs could not be loaded: it did not end loading within 0.2 s');
  });
});
