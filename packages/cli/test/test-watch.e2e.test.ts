import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../src/run.ts';
import { lazarus, startLazarus } from './node-server.ts';

const SERVICE = 'service: web\nteam: shop\nprofile: stateless\n';
const SUITE = `rules: [config]
tests:
  - name: same name
    when: [{ event: { type: HealthcheckDown, host: web-1 } }]
    then: { outcome: remediated, votes: 3/3 }
  - name: same name
    given: { prechecks: { PeerCheck: fail } }
    when: [{ event: { type: HealthcheckDown, host: web-1 } }]
    then: { outcome: escalated, blocked_by: PeerCheck, calls: {} }
`;
const OTHER = `workflow: default.notify_only
tests:
  - { name: people are told, then: { outcome: succeeded } }
`;
const INSTALLED = fileURLToPath(new URL('../../../node_modules', import.meta.url));
const PLUGINS = `import { definePrecondition } from '@lazarus/core';
import { defineAction } from '@lazarus/dag';
import { z } from 'zod';
const context = z.strictObject({});
export const preconditions: readonly unknown[] = [
  definePrecondition({ name: 'NotOnFriday', summary: 'It is not Friday.', params: context, check: () => ({ verdict: 'pass' }) }),
];
export default {
  actions: [
    defineAction({ name: 'cdn.purge', version: 1, summary: 'Purges.', idempotent: true, input: context, output: context, run: async () => ({}) }),
  ],
};
`;
const PURGE = `apiVersion: lazarus.dev/v1
kind: Workflow
metadata: { name: cdn.purge, version: 1 }
steps: { purge: { uses: cdn.purge@1 } }
`;
const PURGE_RULE = `name: purge
criteria: { event_type: HealthcheckDown }
prechecks: [{ checkName: NotOnFriday }]
workflow: { name: cdn.purge }
lock: { type: service }
mode: act
`;
const PURGE_SUITE = `rules: [rules/*.yaml, workflows]
tests:
  - name: the cache is purged
    given: { actions: { cdn.purge: { output: {} } } }
    when: [{ event: { type: HealthcheckDown, service: cdn } }]
    then: { outcome: remediated, rule: purge, calls: { purge: 1 } }
`;

let folder: string;
const at = (...names: string[]): string => join(folder, ...names);
const put = async (name: string, text: string): Promise<void> => {
  await mkdir(dirname(at(name)), { recursive: true });
  await writeFile(at(name), text);
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lazarus watch-'));
  await mkdir(at('node_modules/@lazarus'), { recursive: true });
  for (const name of ['@lazarus/core', '@lazarus/dag', 'zod'])
    await symlink(join(INSTALLED, name), at('node_modules', name));
  await put('plugins.ts', PLUGINS);
  await put('cdn/rules/purge.yaml', PURGE_RULE);
  await put('cdn/workflows/purge.yaml', PURGE);
  await put('cdn/purge.test.yaml', PURGE_SUITE);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A watch in this process: what it prints, and a way to wait for it. */
function watching(
  path: string,
  options: { readonly isTty?: boolean; readonly words?: readonly string[] } = {},
) {
  const stop = new AbortController();
  const printed = { out: '', err: '' };
  let look = (): void => undefined;
  const write = (to: 'out' | 'err') => (text: string) => {
    printed[to] += text;
    look();
  };
  const ended = run(['test', path, '--watch', ...(options.words ?? [])], {
    out: write('out'),
    err: write('err'),
    readInput: async () => '',
    env: {},
    color: false,
    isTty: options.isTty ?? false,
    now: () => 0,
    newId: () => 'id',
    signal: stop.signal,
  });
  return {
    printed,
    ended,
    stop: () => stop.abort(),
    /** Resolves when this was printed `times` times in all. */
    sees: (text: string, times = 1) =>
      new Promise<void>((resolve) => {
        look = () => {
          if ((printed.out + printed.err).split(text).length > times) resolve();
        };
        look();
      }),
  };
}

describe('lazarus test --watch', () => {
  it('runs again only what a changed file touches, new files too, until Ctrl-C', async () => {
    await put('a/config/services/web.yaml', SERVICE);
    await put('a/web.test.yaml', SUITE);
    await put('a/other.test.yaml', OTHER);
    const watch = watching(at('a'));
    await watch.sees('watching 2 test files; Ctrl-C ends');
    expect(watch.printed.out).toContain('3 tests: 3 passed');

    await put('a/config/services/web.yaml', `${SERVICE}overrides: { mode: notify }\n`);
    await watch.sees('Ctrl-C ends', 2);
    expect(watch.printed.out).toContain('2 tests: 0 passed, 2 failed');

    await put('a/new.test.yaml', OTHER.replace('people are told', 'this one is new'));
    await watch.sees('watching 3 test files');
    expect(watch.printed.out).toMatch(/this one is new.*\n1 test: 1 passed/);

    await put('a/other.test.yaml', 'workflow: [');
    await watch.sees('problem in the test files');
    await put('a/other.test.yaml', OTHER.replace('people are told', 'it is right again'));
    await watch.sees('it is right again');
    watch.stop();
    expect(await watch.ended).toBe(130);
    expect(watch.printed.out).not.toContain('\u001B');
  }, 60_000);

  it('clears the screen on a terminal', async () => {
    await put('tty/other.test.yaml', OTHER);
    const watch = watching(at('tty'), { isTty: true });
    await watch.sees('Ctrl-C ends');
    expect(watch.printed.out).not.toContain('\u001B[2J');
    await put('tty/other.test.yaml', OTHER.replace('told', 'told again'));
    await watch.sees('told again');
    expect(watch.printed.out).toContain('\u001B[2J');
    watch.stop();
    await watch.ended;
  });

  it('reads a changed module again, and what it imports, and ends one that never ends at Ctrl-C', async () => {
    await put('imports/lib/verdict.ts', `export const verdict = { verdict: 'pass' };\n`);
    const own = PLUGINS.replace(`({ verdict: 'pass' })`, 'verdict');
    await put('imports/own.ts', `import { verdict } from './lib/verdict.ts';\n${own}`);
    const child = startLazarus(['test', at('cdn'), '--watch', '--plugins', at('imports/own.ts')]);
    await child.sees('1 test: 1 passed');
    await put('imports/lib/verdict.ts', `export const verdict = { verdict: 'fail', reason: 'no' };\n`);
    await child.sees('1 test: 0 passed, 1 failed');
    await put('imports/own.ts', 'for (;;);\n');
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    child.interrupt();
    expect((await child.ended).code).toBe(130);
  }, 60_000);

  it('ends with 130 at Ctrl-C, as a process without a terminal', async () => {
    await put('p/other.test.yaml', OTHER);
    const child = startLazarus(['test', at('p'), '--watch']);
    await child.sees('1 test: 1 passed');
    child.interrupt();
    expect((await child.ended).code).toBe(130);
  });
});

describe('the command that repeats a failure', () => {
  it('runs this test alone though another one has its name, with the same seed and modules', async () => {
    await put('twice/config/services/web.yaml', SERVICE);
    await put('twice/web.test.yaml', SUITE.replace('calls: {}', 'calls: { clone: 7 }'));
    const words = ['test', at('twice'), '--seed', '5', '--plugins', at('plugins.ts'), '-o', 'json'];
    const { results } = JSON.parse((await lazarus(words)).out) as { results: { reproduce?: string }[] };
    const [command = ''] = results.flatMap(({ reproduce }) => reproduce ?? []);
    expect(command).toMatch(/^lazarus test '.*web\.test\.yaml:6' --seed 5 --plugins '.*plugins\.ts'$/);
    const again = [...command.matchAll(/'([^']*)'|(\S+)/g)]
      .map(([, quoted, plain]) => quoted ?? plain ?? '')
      .slice(1);
    const { out, code } = await lazarus(again);
    expect({ code, tests: /\d+ tests?: .*/.exec(out)?.[0] }).toEqual({
      code: 1,
      tests: '1 test: 0 passed, 1 failed',
    });
    expect(out).toContain('calls.clone: expected 7 calls of clone, was 0');
  });

  it('ends with 2 when no test stands at the line', async () => {
    await put('line/other.test.yaml', OTHER);
    expect(await lazarus(['test', `${at('line/other.test.yaml')}:1`])).toMatchObject({
      code: 2,
      err: expect.stringContaining('no test stands at line 1') as string,
    });
  });
});

describe('lazarus test --plugins', () => {
  it('runs workflows with actions and rules with preconditions of a TypeScript module; validate knows them, too', async () => {
    const words = ['--plugins', at('plugins.ts')];
    expect(await lazarus(['test', at('cdn'), ...words, '--min', '50'])).toMatchObject({ code: 0 });
    const validated = await lazarus(['validate', at('cdn'), ...words]);
    expect(validated.out).not.toContain('NotOnFriday');
    expect(validated.err).toContain('2 documents checked');
    expect(await lazarus(['test', at('cdn')])).toMatchObject({
      code: 2,
      err: expect.stringContaining('cdn.purge@1') as string,
    });
    expect((await lazarus(['validate', at('cdn')])).out).toContain('NotOnFriday');
  });

  it('ends with 2 for a module that is not there, or that exports something else', async () => {
    await put('wrong.js', 'export const actions = [1];\n');
    await put('empty.js', 'export const nothing = 1;\n');
    for (const [file, why] of [
      ['none.js', 'none.js is not there'],
      ['wrong.js', String.raw`wrong.js actions\[0\] is not what defineAction returns`],
      ['empty.js', 'exports none of actions'],
    ] as const) {
      const { code, err } = await lazarus(['test', at('cdn'), '--plugins', at(file)]);
      expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(why) as string });
    }
  });
});

describe('lazarus test --update', () => {
  it('writes what happened over single values, and the tests pass', async () => {
    await put('up/config/services/web.yaml', SERVICE);
    const wrong = SUITE.replace('remediated, votes: 3/3', 'suppressed, votes: "1/3"')
      .replace('blocked_by: PeerCheck', 'blocked_by: budget')
      .replace('outcome: remediated', 'outcome: suppressed');
    await put('up/web.test.yaml', wrong);
    const { code, err } = await lazarus(['test', at('up'), '--update']);
    expect(code).toBe(0);
    expect(err).toContain('tests[0].then.votes: "1/3" is now 3/3');
    expect(await readFile(at('up/web.test.yaml'), 'utf8')).toBe(SUITE);
    expect((await lazarus(['test', at('up')])).code).toBe(0);
  });

  it('leaves lists and times to people', async () => {
    await put('left/config/services/web.yaml', SERVICE);
    const wrong = SUITE.replace('votes: 3/3', 'never: [lb.add], within: 1s');
    await put('left/web.test.yaml', wrong);
    expect((await lazarus(['test', at('left'), '--update'])).code).toBe(1);
    expect(await readFile(at('left/web.test.yaml'), 'utf8')).toBe(wrong);
  });
});

describe('coverage of rules', () => {
  it('counts rules that were matched and prechecks by both ends, beside the steps of the workflow', async () => {
    await put('cov/config/services/web.yaml', SERVICE);
    await put('cov/web.test.yaml', SUITE);
    const { code, out } = await lazarus(['test', at('cov'), '--coverage']);
    expect(code).toBe(0);
    expect(out).toMatch(
      /coverage of rule stateless\.healthcheck_down: 66 %\n {2}no test: MinActiveHosts blocked/,
    );
    expect(out).toContain('coverage of workflow default.replace_host');
    expect((await lazarus(['test', at('cov'), '--min', '90'])).code).toBe(1);
  });
});
