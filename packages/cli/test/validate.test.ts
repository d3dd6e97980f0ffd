import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lazarus } from './node-server.ts';

const rule = `name: host_down
criteria:
  event_type: NagiosHostAlarm
prechecks:
  - checkName: MinActiveHosts
    default: 2
  - checkName: MaxActiveHosts
    default: 9
  - checkName: HealthCheckDown
  - checkName: PeerCheck
workflow:
  name: default.replace_host
`;
const workflow = `apiVersion: lazarus.dev/v1
kind: Workflow
metadata: { name: tell, version: 1, description: Tells the team. }
steps:
  notify: { uses: notify.send@1, with: { text: down, kind: notify_only } }
`;

let folder: string;
const file = (name: string): string => join(folder, name);
const put = async (name: string, text: string): Promise<string> => {
  await mkdir(dirname(file(name)), { recursive: true });
  await writeFile(file(name), text);
  return file(name);
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lazarus-validate-'));
  await put('good/rules/host-down.yaml', rule);
  await put('good/workflows/tell.yml', workflow);
  await put('good/.git/rules/ignored.yaml', ': : :');
  await put('good/workflows/tell.test.yaml', 'workflow: tell.yml');
  await put(
    'bad/rules/a.yaml',
    rule.replace('workflow:', 'workfow:').replace('MinActiveHosts', 'MinActiveHost'),
  );
  await put('bad/workflows/b.yaml', workflow.replace('notify.send@1', 'notify.sent@1'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('lazarus validate', () => {
  it('ends with 0 and the digest when a node would take the documents', async () => {
    const { code, out, err } = await lazarus(['validate', file('good')]);
    expect({ code, out }).toEqual({ code: 0, out: '' });
    expect(err).toMatch(/^2 documents checked, no problem, config [0-9a-f]{12}\n$/);
  });

  it('ends with 2 and the place of every problem of every document', async () => {
    const { code, out, err } = await lazarus(['validate', file('bad')]);
    expect(code).toBe(2);
    expect(out).toContain(
      `${file('bad/rules/a.yaml')}:11:1 workfow found the unknown key "workfow" (did you mean "workflow"?) [error invalid]`,
    );
    expect(out).toMatch(/b\.yaml:5:\d+ .*notify\.send@1/);
    expect(err).toMatch(/^2 documents checked, [2-9] problems\n$/);
  });

  it('ends with 1 when a workflow repairs and never resolves the page', async () => {
    const steps = '  boot: { uses: host.reboot@1, with: { host: i-1 } }\n';
    const silent = await put(
      'silent/workflows/reboot.yaml',
      workflow.replace('name: tell', 'name: reboot').replace(/ {2}notify: .*\n/, steps),
    );
    const { code, out } = await lazarus(['validate', silent]);
    expect({ code, out }).toMatchObject({
      code: 1,
      out: expect.stringMatching(
        /reboot\.yaml:\d+:\d+ steps no step resolves the page.*\[warning doubtful_workflow\]\n$/,
      ) as string,
    });
  });

  it('ends with 1 when a node would take the documents and they are probably not what was meant', async () => {
    const risky = await put('risky/rules/a.yaml', rule.replace('  - checkName: PeerCheck\n', ''));
    const { code, out, err } = await lazarus(['validate', risky]);
    expect(code).toBe(1);
    expect(out).toMatch(/a\.yaml:1:1 .*acts without PeerCheck.*\[warning missing_check\]\n$/);
    expect(err).toBe('1 document checked, 1 problem\n');
    expect(JSON.parse((await lazarus(['validate', risky, '-o', 'json'])).out)).toMatchObject({
      ok: true,
      digest: expect.any(String) as string,
    });
  });

  it('shows an event that two rules would fight about', async () => {
    await put('twice/rules/a.yaml', rule);
    const { code, out } = await lazarus([
      'validate',
      file('twice'),
      await put('twice/rules/b.yaml', rule.replace('host_down', 'also_down')),
    ]);
    expect(code).toBeGreaterThan(0);
    expect(out).toMatch(/also_down.*\n {2}for example: \{.*NagiosHostAlarm/);
  });

  it('knows the kind of a document outside the folders by its keys', async () => {
    const loose = await put('loose/any.yaml', rule);
    expect((await lazarus(['validate', loose])).code).toBe(0);
    const other = await put('loose/other.yaml', 'hello: world\n');
    expect((await lazarus(['validate', other])).out).toContain(
      'is no rule, profile, service, workflow or settings document',
    );
  });

  it('does not blame a rule for a workflow that is refused for its own reasons', async () => {
    await put('both/rules/a.yaml', rule.replace('default.replace_host', 'tell'));
    await put('both/workflows/b.yaml', workflow.replace('notify.send@1', 'notify.sent@1'));
    const { out } = await lazarus(['validate', file('both')]);
    expect(out).toContain('b.yaml:5:');
    expect(out).not.toContain('a.yaml');
  });

  it('ends with 2 when a path is not there or holds no document', async () => {
    expect(await lazarus(['validate', file('none')])).toMatchObject({
      code: 2,
      err: expect.stringContaining('it is not there') as string,
    });
    await mkdir(file('empty'));
    expect(await lazarus(['validate', file('empty')])).toMatchObject({
      code: 2,
      err: expect.stringContaining('no YAML document') as string,
    });
  });

  it('prints JSON with stable keys', async () => {
    const { out } = await lazarus(['validate', file('bad/rules/a.yaml'), '-o', 'json']);
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      digest: null,
      findings: expect.arrayContaining([
        {
          code: 'invalid',
          severity: 'error',
          file: file('bad/rules/a.yaml'),
          line: 11,
          column: 1,
          path: 'workfow',
          message: 'found the unknown key "workfow"',
          hint: 'did you mean "workflow"?',
        },
      ]) as unknown,
    });
    expect(JSON.parse((await lazarus(['validate', file('good'), '-o', 'json'])).out)).toMatchObject({
      ok: true,
      findings: [],
    });
  });

  it('prints annotations for GitHub Actions, escaped', async () => {
    const odd = await put('odd,name/rules/a.yaml', 'name: x\ncriteria: {}\nodd%: 1\n');
    const { out } = await lazarus(['validate', odd, '-o', 'github']);
    expect(out).toContain(`::error file=${folder}/odd%2Cname/rules/a.yaml,line=3,col=1,title=invalid::`);
    expect(out).toContain('odd%25');
  });

  it('prints SARIF 2.1.0 with locations', async () => {
    const { out } = await lazarus(['validate', file('bad/rules/a.yaml'), '-o', 'sarif']);
    const log = JSON.parse(out) as { version: string; runs: { results: unknown[] }[] };
    expect(log.version).toBe('2.1.0');
    expect(log.runs[0]?.results).toContainEqual({
      ruleId: 'invalid',
      level: 'error',
      message: { text: 'workfow found the unknown key "workfow" (did you mean "workflow"?)' },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: file('bad/rules/a.yaml') },
            region: { startLine: 11, startColumn: 1 },
          },
        },
      ],
    });
  });
});

describe('lazarus diff', () => {
  const service = 'service: web\nteam: web\n';
  const recorded = JSON.stringify({
    event: {
      id: '1',
      source: 'nagios',
      event_type: 'NagiosHostAlarm',
      time: '2026-01-01T00:00:00Z',
      region: 'us-east-1',
      environment: 'prod',
      service: 'web',
      host: 'web-1',
      attributes: {},
    },
  });

  beforeAll(async () => {
    for (const [version, text] of [
      ['old', rule],
      ['new', rule.replace('default: 9', 'default: 12')],
      ['gone', rule.replace('NagiosHostAlarm', 'HealthcheckDown')],
    ] as const) {
      await put(`${version}/rules/a.yaml`, text);
      await put(`${version}/services/web.yaml`, service);
    }
  });

  it('ends with 0 when both mean the same', async () => {
    const { code, out } = await lazarus(['diff', file('old'), file('old')]);
    expect(code).toBe(0);
    expect(out).toMatch(/: 0 of 1 service affected\n$/);
  });

  it('ends with 1 and names the service, the rule and the value that changes', async () => {
    const { code, out } = await lazarus(['diff', file('old'), file('new')]);
    expect(code).toBe(1);
    expect(out).toMatch(/1 of 1 service affected\nweb\n {2}~ host_down\n {6}.*MaxActiveHosts.*: 9 -> 12/);
  });

  it('names the recorded events that would be answered otherwise', async () => {
    const { out } = await lazarus(['diff', file('old'), file('gone'), '--events', '-'], {
      input: `${recorded}\n`,
    });
    expect(out).toMatch(
      /1 recorded event would be answered otherwise:\n {2}nagios\/1 \(web\): .*host_down.* -> /,
    );
    expect(JSON.parse((await lazarus(['diff', file('old'), file('new'), '-o', 'json'])).out)).toMatchObject({
      total: 1,
      decisions: [],
    });
  });

  it('ends with 2 when one of them is refused', async () => {
    expect(await lazarus(['diff', file('old'), file('bad')])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/bad was refused\n {2}[^]*a\.yaml:11:1/) as string,
    });
  });
});

describe('lazarus workflow graph', () => {
  it('draws the main job in the order in which its steps start', async () => {
    const { code, out } = await lazarus(['workflow', 'graph', 'default.replace_host']);
    expect(code).toBe(0);
    const order = ['acknowledge', 'out_of_lb', 'booted', 'verify', 'into_lb', 'forensics', 'resolve'];
    const at = order.map((step) => out.indexOf(` ${step} `));
    expect(at).not.toContain(-1);
    expect([...at].sort((left, right) => left - right)).toEqual(at);
    expect(out).toMatch(/on error, after undoing in reverse order:\n {2}1 {2}escalate /);
  });

  it('draws a document for Mermaid and Graphviz', async () => {
    const path = file('good/workflows/tell.yml');
    expect((await lazarus(['workflow', 'graph', path, '-o', 'mermaid'])).out).toMatch(
      /^flowchart TD\n.*\n {4}steps_notify\["notify<br\/>notify\.send@1"\]\n/,
    );
    expect((await lazarus(['workflow', 'graph', path, '-o', 'dot'])).out).toContain(
      '"steps.notify" [label="notify\\nnotify.send@1"];',
    );
  });

  it('ends with 2 and the places for a document that is refused', async () => {
    const { code, err } = await lazarus(['workflow', 'graph', file('bad/workflows/b.yaml')]);
    expect(code).toBe(2);
    expect(err).toMatch(/b\.yaml was refused\n {2}.*b\.yaml:5:/);
  });
});
