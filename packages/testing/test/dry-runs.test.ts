import { defineAction } from '@lazarus/dag';
import { compileLabConfig, createLab, labDocuments, runRunbookTests } from '@lazarus/testing/lab';
import type { LabPlugins } from '@lazarus/testing/lab';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const WATCHED = '{ service: web, team: shop, profile: stateless, overrides: { mode: notify } }';
const TRUSTED = '{ service: web, team: shop, profile: stateless }';
const DOWN = { event_type: 'HealthcheckDown', host: 'web-1' };
const STEPS = [
  'acknowledge',
  'out_of_lb',
  'clone',
  'booted',
  'verify',
  'into_lb',
  'in_service',
  'forensics',
  'resolve',
  'notify',
];

describe('a rule in mode notify', () => {
  it('is told with the 10 steps that its run would have taken, and none of them was taken', async () => {
    await using lab = await createLab({ services: WATCHED });
    const outcome = await lab.send(DOWN);
    expect(outcome).toMatchObject({ outcome: 'notified', would: { workflow: 'default.replace_host' } });
    expect(outcome.would?.steps.map(({ step }) => step)).toEqual(STEPS);
    expect(outcome.would?.steps[2]).toEqual({
      step: 'clone',
      uses: 'host.clone@1',
      wave: 2,
      destructive: true,
      summary: 'launches a host like i-web-1',
      changes: { like: 'i-web-1', hosts: 1 },
    });
    expect({ calls: lab.calls, effects: lab.effects, run: outcome.run }).toEqual({ calls: [], effects: [] });
    expect(outcome.trace.join('\n')).toContain('dry run of clone: launches a host like i-web-1');
  });

  it('would do nothing about an event that a gate stops', async () => {
    await using lab = await createLab({ services: WATCHED, prechecks: { PeerCheck: 'fail' } });
    const outcome = await lab.send(DOWN);
    expect(outcome).toMatchObject({ outcome: 'notified', record: { decision: { would: 'escalate' } } });
    expect(outcome.would).toBeUndefined();
  });
});

describe('a dry run of a lab', () => {
  it('tells what a rule in mode act would do, decides nothing and opens no page', async () => {
    await using lab = await createLab({ services: TRUSTED });
    const would = await lab.dryRun(DOWN);
    expect(would?.steps.map(({ step }) => step)).toEqual(STEPS);
    expect(await lab.decisions()).toEqual([]);
    expect({ calls: lab.calls, effects: lab.effects, page: lab.pager.pageOf('web/web-1') }).toEqual({
      calls: [],
      effects: [],
      page: undefined,
    });
  });

  it('says nothing when no rule is about the event', async () => {
    await using lab = await createLab({ services: TRUSTED });
    expect(await lab.dryRun({ event_type: 'SomethingElse' })).toBeUndefined();
  });
});

const STOPPED = 'nothing: the event was stopped by precondition_failed, ballot, PeerCheck';
const suite = (then: string, given = '{}'): string =>
  `rules: [web.yaml]
tests:
  - name: x
    given: ${given}
    when: [{ event: { type: HealthcheckDown, host: web-1 } }]
    then: ${then}
`;

async function one(text: string, service = WATCHED, plugins: LabPlugins = {}, workflows: string[] = []) {
  const documents = labDocuments({ services: service, ...(workflows.length === 0 ? {} : { workflows }) });
  const config = compileLabConfig(documents, plugins);
  const [result] = await runRunbookTests(text, {
    file: 'web.test.yaml',
    workflow: () => undefined,
    rules: async () => config,
  });
  if (result === undefined) throw new Error('the file holds no test');
  return result;
}

const failuresOf = async (...about: Parameters<typeof one>) =>
  (await one(...about)).failures.map(({ line, column, path, expected, actual }) => [
    `${line}:${column}`,
    path,
    expected,
    actual,
  ]);

describe('would in a test', () => {
  it('holds for steps and actions in the order of the dry run, with parts of what they say', async () => {
    const then = `{ outcome: notified, would: [acknowledge, { step: host.clone, destructive: true, summary: launches, changes: { hosts: 1 } }, into_lb, pager.resolve@1] }`;
    expect(await failuresOf(suite(then))).toEqual([]);
  });

  it('fails at a step that comes earlier, and at one that would not be taken', async () => {
    const [first, second] = await failuresOf(suite('{ would: [into_lb, clone, host.terminate] }'));
    expect(first).toEqual(['6:30', 'tests[0].then.would[1]', 'clone', STEPS.join(', ')]);
    expect(second?.slice(0, 3)).toEqual(['6:37', 'tests[0].then.would[2]', 'host.terminate']);
  });

  it('fails at each part that is otherwise, with what the step says', async () => {
    const then = `{ would: [{ step: clone, destructive: false, summary: reboots, changes: { hosts: 2, cores: 8 } }] }`;
    expect(await failuresOf(suite(then))).toEqual([
      ['6:65', 'tests[0].then.would[0].summary', 'reboots', 'launches a host like i-web-1'],
      ['6:49', 'tests[0].then.would[0].destructive', 'false', 'true'],
      ['6:92', 'tests[0].then.would[0].changes.hosts', '2', '1'],
      ['6:102', 'tests[0].then.would[0].changes.cores', '8', 'none, only like, hosts'],
    ]);
  });

  it('is empty for an event that a gate stops, and is not for one that would be acted upon', async () => {
    const stopped = '{ prechecks: { PeerCheck: fail } }';
    expect(await failuresOf(suite('{ would: [] }', stopped))).toEqual([]);
    expect(await failuresOf(suite('{ would: [] }'))).toEqual([
      ['6:20', 'tests[0].then.would', 'nothing', STEPS.join(', ')],
    ]);
    expect(await failuresOf(suite('{ would: [clone] }', stopped))).toEqual([
      ['6:21', 'tests[0].then.would[0]', 'clone', STOPPED],
    ]);
  });

  it('says that it was done when the rule is in mode act, also where nothing was expected', async () => {
    const actual = 'it was done: the event was remediated';
    expect(await failuresOf(suite('{ would: [clone] }'), TRUSTED)).toEqual([
      ['6:21', 'tests[0].then.would[0]', 'clone', actual],
    ]);
    expect(await failuresOf(suite('{ would: [] }'), TRUSTED)).toEqual([
      ['6:20', 'tests[0].then.would', 'nothing', actual],
    ]);
  });

  it('holds for further events, too, and refuses a step that no workflow has', async () => {
    const passes =
      '{ prechecks: { MinActiveHosts: pass, MaxActiveHosts: pass, HealthCheckDown: pass, PeerCheck: pass } }';
    const text = suite('{ outcome: notified, events: { event-2: { would: [clone] } } }', passes).replace(
      'host: web-1 } }]',
      'host: web-1 } }, { at: 1m, event: { type: HealthcheckDown, host: web-peer-1 } }]',
    );
    expect(await failuresOf(text)).toEqual([]);
    await expect(one(suite('{ would: [clon] }'))).rejects.toThrow(
      /web\.test\.yaml:6:21 .*names the step or action clon, which does not exist \(did you mean "clone"\?\)/,
    );
  });

  it('shows the problem of an action whose own dry run throws', async () => {
    const broken = defineAction({
      name: 'cdn.purge',
      version: 1,
      summary: 'Empties the cache.',
      idempotent: true,
      input: z.strictObject({ zone: z.string() }),
      output: z.strictObject({ purged: z.int() }),
      dry: () => {
        throw new RangeError('secret');
      },
      run: async () => ({ purged: 0 }),
    });
    const workflow = `apiVersion: lazarus.dev/v1
kind: Workflow
metadata: { name: default.replace_host, version: 9 }
lock: { scope: host }
steps:
  purge: { uses: cdn.purge@1, with: { zone: eu } }
`;
    const failures = await failuresOf(
      suite('{ would: [{ step: purge, summary: Empties }] }'),
      WATCHED,
      { actions: [broken] },
      [workflow],
    );
    expect(failures).toEqual([
      ['6:21', 'tests[0].then.would[0]', 'a dry run', 'its dry run threw RangeError'],
    ]);
  });
});
