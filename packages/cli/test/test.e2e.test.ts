import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { parseYamlDocument } from '@lazarus/core/documents';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../src/run.ts';
import { lazarus, lazarusProcess } from './node-server.ts';

const WORKFLOW = `apiVersion: lazarus.dev/v1
kind: Workflow
metadata: { name: tell.team, version: 1, description: Tells the team. }
steps:
  tell: { uses: notify.send@1, with: { text: down, kind: notify_only } }
  rest: { wait: 10m, needs: [tell] }
`;
const SUITE = `workflow: tell.yaml
tests:
  - name: the team is told (once)
    then: { outcome: succeeded, calls: { tell: 1 } }
  - name: a notifier that refuses ends the run
    given:
      actions: { tell: { error: { message: refused, retryable: false } } }
    then:
      outcome: failed
      within: 1m
`;
const FAILING = SUITE.replace('calls: { tell: 1 }', 'calls: { tell: 2 }, never: [notify.send]');

let folder: string;
const at = (...names: string[]): string => join(folder, ...names);
const put = async (name: string, text: string): Promise<void> => {
  await mkdir(dirname(at(name)), { recursive: true });
  await writeFile(at(name), text);
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lazarus test-'));
  for (const kind of ['good', 'bad', 'broken']) await put(`${kind}/tell.yaml`, WORKFLOW);
  await put('good/tell.test.yaml', SUITE);
  await put('good/node_modules/x/other.test.yaml', ': : :');
  await put('bad/tell.test.yaml', FAILING);
  await put('broken/a.test.yaml', SUITE);
  await put('broken/b.test.yaml', SUITE.replace('outcome: failed', 'outcom: failed'));
  await put('broken/c.test.yaml', SUITE.replace('tell.yaml', 'none.yaml'));
  await put('sick/sick.yaml', WORKFLOW.replace('notify.send@1', 'notify.sent@1'));
  await put('sick/sick.test.yaml', SUITE.replace('tell.yaml', 'sick.yaml'));
  await put('empty/tell.yaml', WORKFLOW);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('lazarus test', () => {
  it('ends with 0 when every test below a folder passes, and takes 10 min of waiting in less than 1 min', async () => {
    const startedMs = performance.now();
    const { code, out, err } = await lazarusProcess(['test', at('good')]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(`${at('good', 'tell.test.yaml')}\n`);
    expect(out).toMatch(/ok {4}the team is told \(once\) {2}10 min\n/);
    expect(out).toMatch(/^2 tests: 2 passed, 0 failed\n$/m);
    expect(performance.now() - startedMs).toBeLessThan(60_000);
  });

  it('ends with 1 when one fails, and says where, what instead, and how to run it again', async () => {
    const { code, out } = await lazarusProcess(['test', at('bad')]);
    const file = at('bad', 'tell.test.yaml');
    expect(code).toBe(1);
    expect(out).toContain(`${file}:4:48 tests[0].then.calls.tell: expected 2 calls of tell, was 1`);
    expect(out).toContain(`${file}:4:61 tests[0].then.never[0]: expected no call of notify.send, was`);
    expect(out).toMatch(/^ {8}\+ +0\.0 s {2}tell calls notify\.send@1, attempt 1: ok$/m);
    expect(out).toMatch(/^ {8}- calls tell: 2 calls of tell$/m);
    expect(out).toMatch(/^ {8} +600\.0 s {2}rest succeeded$/m);
    expect(out).toContain('2 tests: 1 passed, 1 failed');
  });

  it('prints a command that a shell runs as this one test', async () => {
    const { out } = await lazarus(['test', at('bad')]);
    const [command = ''] = /^ +lazarus test (.*)$/m.exec(out)?.slice(1) ?? [];
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', `printf '%s\\n' ${command}`]);
    const again = await lazarus(['test', ...stdout.trimEnd().split('\n')]);
    expect(again.code).toBe(1);
    expect(again.out).toContain('1 test: 0 passed, 1 failed');
  });

  it('ends with 2 for an invalid file and a workflow that is not there, after the others have run', async () => {
    const { code, out, err } = await lazarusProcess(['test', at('broken')]);
    expect(code).toBe(2);
    expect(out).toContain('2 tests: 2 passed, 0 failed');
    expect(err).toContain('lazarus: 2 problems in the test files\n');
    expect(err).toContain(`${at('broken', 'b.test.yaml')}:9:7 tests[1].then.outcom found the unknown key`);
    expect(err).toContain(`${at('broken', 'c.test.yaml')}:1:11 workflow names the workflow none.yaml`);
  });

  it('names the place and what was meant for rules, globs and workflows that are not there', async () => {
    const rules = (reference: string): string =>
      `rules: [${reference}]\ntests:\n  - { name: x, when: [{ event: { host: web-1 } }], then: { outcome: escalated } }\n`;
    await put('lost/config/web.yaml', 'service: web\nteam: shop\nprofile: stateless\n');
    await put('lost/a.test.yaml', rules('confg'));
    await put('lost/b.test.yaml', rules("config, 'rules/*.yaml'"));
    await put('lost/c.test.yaml', SUITE.replace('tell.yaml', 'default.replace_hst'));
    const { code, err } = await lazarusProcess(['test', at('lost')]);
    expect(code).toBe(2);
    expect(err).toContain(
      `a.test.yaml:1:9 rules[0] names confg, and there is no such file or folder beside this one (did you mean "config"?)`,
    );
    expect(err).toContain(
      `b.test.yaml:1:17 rules[1] names rules/*.yaml, and no file beside this one is called so`,
    );
    expect(err).toContain(
      'c.test.yaml:1:11 workflow names the workflow default.replace_hst, which is neither shipped nor a file beside this one (did you mean "default.replace_host"?)',
    );
  });

  it('ends with 2 and the place in the workflow when that is invalid', async () => {
    const { code, out, err } = await lazarus(['test', at('sick')]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/sick\.yaml:5:\d+ .*notify\.sent@1/);
  });

  it('ends with 2 when there is no test, no test of that name, or no such path', async () => {
    expect(await lazarusProcess(['test', at('empty')])).toEqual({
      code: 2,
      out: '',
      err: `lazarus: there is no file named *.test.yaml in ${at('empty')}\n`,
    });
    expect(await lazarus(['test', at('good'), '--run', '^nothing$'])).toEqual({
      code: 2,
      out: '',
      err: 'lazarus: no test in 1 file has a name that matches /^nothing$/u\n',
    });
    expect((await lazarus(['test', at('nowhere')])).code).toBe(2);
    expect((await lazarus(['test', at('good'), '--run', '('])).code).toBe(2);
    expect((await lazarus(['test', at('good'), '--min', '101'])).code).toBe(2);
  });

  it('runs no further file once it is interrupted, and ends with 130', async () => {
    let out = '';
    const code = await run(['test', at('good')], {
      out: (text) => void (out += text),
      err: () => undefined,
      readInput: async () => '',
      env: {},
      color: false,
      now: () => 0,
      newId: () => 'id',
      signal: AbortSignal.abort(),
    });
    expect({ code, out }).toEqual({ code: 130, out: '' });
  });

  it('runs only what --run names, and nothing after a failure with --bail', async () => {
    expect((await lazarus(['test', at('bad'), '--run', 'refuses'])).out).toContain('1 test: 1 passed');
    expect((await lazarus(['test', at('bad'), at('good'), '--bail'])).out).toContain(
      '1 test: 0 passed, 1 failed',
    );
  });

  it('says what no test has seen, and ends with 1 below --min', async () => {
    const plain = await lazarus(['test', at('good'), '--coverage']);
    expect(plain.code).toBe(0);
    expect(plain.out).toContain('coverage of workflow tell.team: 75 %\n  no test: rest failed\n');
    expect((await lazarus(['test', at('good'), '--min', '75'])).code).toBe(0);
    const short = await lazarus(['test', at('good'), '--min', '76']);
    expect(short.code).toBe(1);
    expect(short.out).toContain('coverage of workflow tell.team: 75 %, wanted are 76 %');
  });
});

describe('the formats of lazarus test', () => {
  it('json holds the failures with their places, the diff and the command', async () => {
    const { code, out } = await lazarus(['test', at('bad'), '-o', 'json']);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      passed: false,
      results: [
        {
          name: 'the team is told (once)',
          passed: false,
          failures: [{ line: 4, column: 48, path: 'tests[0].then.calls.tell' }, { line: 4 }],
          reproduce: expect.stringMatching(/tell\.test\.yaml:3'?$/) as string,
        },
        { passed: true, tookMs: expect.any(Number) as number },
      ],
    });
  });

  it('junit is well-formed, counts, and escapes what files say', async () => {
    await put('odd/tell.yaml', WORKFLOW);
    await put('odd/odd.test.yaml', FAILING.replace('the team is told (once)', '"<&> \\" \\u0001 is told"'));
    const { code, out } = await lazarus(['test', at('odd'), '-o', 'junit', '--min', '90']);
    expect(code).toBe(1);
    expect(out).toMatch(
      /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites tests="3" failures="2" time="600\.\d{3}">/,
    );
    expect(out).toContain('<testcase name="&lt;&amp;&gt; &quot;  is told" classname="tell.team"');
    expect(out.match(/<failure /g)).toHaveLength(2);
    expect(out).toContain('message="75 %, wanted are 90 %" type="coverage"');
    expect(unclosedElements(out)).toEqual([]);
  });

  it('tap has a plan, one line per test, and a diagnostic that is YAML', async () => {
    const { out } = await lazarus(['test', at('bad'), '-o', 'tap', '--coverage']);
    const lines = out.split('\n');
    expect(lines.slice(0, 3)).toEqual(['TAP version 14', '1..3', 'not ok 1 - the team is told (once)']);
    expect(lines).toContain('ok 2 - a notifier that refuses ends the run');
    expect(lines).toContain('ok 3 - coverage of workflow tell.team is 75 %');
    const yaml = lines.slice(lines.indexOf('  ---') + 1, lines.indexOf('  ...')).map((line) => line.slice(2));
    expect(parseYamlDocument(yaml.join('\n'), { file: 'tap' }).value).toMatchObject({
      failures: [{ path: 'tests[0].then.calls.tell', actual: '1' }, {}],
    });
  });
});

/** Elements that are opened and not closed, or closed and not opened. */
function unclosedElements(xml: string): readonly string[] {
  const open: string[] = [];
  for (const [, slash, name = '', , end] of xml.matchAll(
    /<(\/?)(\w+)((?:\s+\w+="[^"<&]*(?:&(?:amp|lt|gt|quot|#10);[^"<&]*)*")*)\s*(\/?)>/g,
  )) {
    if (slash === '/') {
      if (open.pop() !== name) return [name];
    } else if (end !== '/') open.push(name);
  }
  return open;
}
