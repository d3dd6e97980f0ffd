import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explainDecision, ExplanationSchema } from '@lazarus/core/controller';
import { aHost } from '@lazarus/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aGate, aRecord, aRun, allGates, DRY_RUN } from './fixture.ts';
import { lazarus, lazarusProcess, startLazarus, startNode } from './node-server.ts';

type Node = Awaited<ReturnType<typeof startNode>>;
let node: Node;
let folder: string;

beforeAll(async () => {
  node = await startNode();
  folder = await mkdtemp(join(tmpdir(), 'lazarus-cli-'));
  await node.audit.conclude(aRecord());
  await node.audit.runFinished(aRun());
  await node.audit.conclude(
    aRecord({
      event_id: 'nagios/db-1/3',
      decision_id: 'e999999',
      service: 'db',
      host: 'db-1',
      decision: { kind: 'escalate', reason: 'no_rule', detail: 'no rule matches this event' },
    }),
  );
});

afterAll(async () => {
  await node.close();
  await rm(folder, { recursive: true, force: true });
});

const at = (...words: string[]) => [...words, '--url', node.url];
const NOWHERE = 'http://127.0.0.1:9';

describe('lazarus emit', () => {
  const flags = [
    '--type',
    'HealthcheckDown',
    '--service',
    'web',
    '--host',
    'web-1',
    '--region',
    'us-east-1',
    '--environment',
    'prod',
  ];

  it('deposits an event from flags, makes up id and time, and prints the event id alone on standard output', async () => {
    const { code, out, err } = await lazarusProcess(
      at('emit', ...flags, '--attribute', 'state=HARD', 'tries:=3'),
    );
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const event = node.received.at(-1) as { id: string; time: string };
    expect(out).toBe(`cli/${event.id}\n`);
    expect(event).toMatchObject({
      event_type: 'HealthcheckDown',
      source: 'cli',
      service: 'web',
      host: 'web-1',
      region: 'us-east-1',
      environment: 'prod',
      attributes: { state: 'HARD', tries: 3 },
    });
    expect(Math.abs(Date.now() - Date.parse(event.time))).toBeLessThan(60_000);
  });

  it('takes an event from standard input; flags win, and the environment only fills in', async () => {
    const input = JSON.stringify({
      id: '7',
      source: 'monitor',
      event_type: 'HealthcheckDown',
      region: 'eu-west-1',
      service: 'web',
      time: '2026-01-01T00:00:00Z',
    });
    const { code, out } = await lazarusProcess(at('emit', '--file', '-', '--service', 'db'), {
      input,
      env: { LAZARUS_REGION: 'us-east-1', LAZARUS_ENVIRONMENT: 'stage' },
    });
    expect({ code, out }).toEqual({ code: 0, out: 'monitor/7\n' });
    expect(node.received.at(-1)).toMatchObject({ region: 'eu-west-1', environment: 'stage', service: 'db' });
  });

  it('ends with 2 and the issues when the node refuses the event, and spools nothing', async () => {
    node.answerIntake(400);
    const spool = join(folder, 'refused-at-once');
    const { code, out, err } = await lazarus(at('emit', ...flags, '--spool', spool));
    node.answerIntake(undefined);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toBe('lazarus: the event was refused\n  service is missing\n');
    await expect(readdir(spool)).rejects.toThrow('ENOENT');
  });

  it('ends with 2 for a file that is not there, not JSON, or no object', async () => {
    const list = join(folder, 'list.json');
    await writeFile(list, '[]');
    const results = [
      await lazarus(at('emit', '--file', join(folder, 'none.json'))),
      await lazarus(at('emit', '--file', '-'), { input: '{"id": ' }),
      await lazarus(at('emit', '--file', list)),
    ];
    expect(results.map(({ code }) => code)).toEqual([2, 2, 2]);
    expect(results.map(({ err }) => err)).toEqual([
      expect.stringMatching(/none\.json could not be read: it is not there/),
      expect.stringMatching(/standard input: is not JSON/),
      'lazarus: expected one event, a JSON object\n',
    ]);
  });

  it('ends with 6 when the node cannot be reached and there is no spool', async () => {
    const { code, out, err } = await lazarusProcess(['emit', ...flags, '--url', NOWHERE]);
    expect({ code, out }).toEqual({ code: 6, out: '' });
    expect(err).toContain('could not be reached');
    expect(err).not.toMatch(/^\s+at /m);
  });

  it('spools while the node cannot be reached, flushes in order, and sets aside what is refused', async () => {
    const spool = join(folder, 'spool');
    for (const id of ['1', '2']) {
      const { code, out, err } = await lazarus([
        'emit',
        ...flags,
        '--id',
        id,
        '--spool',
        spool,
        '--url',
        NOWHERE,
      ]);
      expect({ code, out }).toEqual({ code: 0, out: `cli/${id}\n` });
      expect(err).toContain('spooled in');
    }
    const away = await lazarusProcess(['emit', '--flush', '--url', NOWHERE], {
      env: { LAZARUS_SPOOL: spool },
    });
    expect({ code: away.code, out: away.out }).toEqual({
      code: 6,
      out: '{"sent":0,"refused":0,"waiting":2}\n',
    });

    const before = node.received.length;
    const sent = await lazarus(at('emit', '--flush', '--spool', spool));
    expect({ code: sent.code, out: sent.out }).toEqual({
      code: 0,
      out: '{"sent":2,"refused":0,"waiting":0}\n',
    });
    expect(node.received.slice(before)).toMatchObject([{ id: '1' }, { id: '2' }]);
    expect(await readdir(spool)).toEqual([]);

    await lazarus(['emit', ...flags, '--spool', spool, '--url', NOWHERE]);
    node.answerIntake(400);
    const refused = await lazarus(at('emit', '--flush', '--spool', spool));
    node.answerIntake(undefined);
    expect({ code: refused.code, out: refused.out }).toEqual({
      code: 2,
      out: '{"sent":0,"refused":1,"waiting":0}\n',
    });
    expect(await readdir(join(spool, 'refused'))).toHaveLength(1);
  }, 40_000);

  it('says which field of the event is wrong, with a suggestion', async () => {
    const input = JSON.stringify({
      event_type: 'HealthcheckDown',
      servce: 'web',
      region: 'us-east-1',
      environment: 'prod',
    });
    const { code, err } = await lazarus(at('emit', '--file', '-'), { input });
    expect(code).toBe(2);
    expect(err).toContain('servce found the unknown key "servce" (did you mean "service"?)');
  });

  it('passes on what the node warns of, on standard error', async () => {
    const { code, err } = await lazarus(at('emit', ...flags, '--type', 'NeverHeardOf'));
    expect(code).toBe(0);
    expect(err).toMatch(/^warning: event_type /);
  });

  const nagios = {
    NAGIOS_HOSTNAME: 'web-1',
    NAGIOS_HOSTSTATE: 'DOWN',
    NAGIOS_HOSTSTATETYPE: 'HARD',
    NAGIOS_HOSTEVENTID: '17',
    NAGIOS_EVENTSTARTTIME: '1767225600',
    NAGIOS_TIMET: '1767225600',
    NAGIOS__HOSTSERVICE_NAME: 'web',
    NAGIOS__HOSTREGION: 'us-east-1',
    NAGIOS__HOSTENVIRONMENT: 'prod',
    LAZARUS_NAGIOS_NODE: 'nagios-a',
  };

  it('turns the environment of a Nagios event handler into an event', async () => {
    const { code, out, err } = await lazarusProcess(at('emit', '--nagios'), { env: nagios });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^nagios\/nagios-a\//);
    expect(node.received.at(-1)).toMatchObject({
      event_type: 'NagiosHostAlarm',
      service: 'web',
      host: 'web-1',
      region: 'us-east-1',
    });
  });

  it('deposits nothing for a soft state and says so; what is no event handler ends with 2', async () => {
    const before = node.received.length;
    const soft = await lazarus(at('emit', '--nagios'), { env: { ...nagios, NAGIOS_HOSTSTATETYPE: 'SOFT' } });
    expect(soft).toEqual({
      code: 0,
      out: '',
      err: 'ignored, soft state: web-1 is DOWN and still being retried\n',
    });
    const none = await lazarus(at('emit', '--nagios'));
    expect(none.code).toBe(2);
    expect(none.err).toContain('NAGIOS_HOSTNAME is missing');
    expect(node.received).toHaveLength(before);
  });

  it('prints the event and sends nothing with --dry-run', async () => {
    const before = node.received.length;
    const { code, out } = await lazarus(at('emit', ...flags, '--id', '9', '--dry-run'));
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ id: '9', service: 'web' });
    expect(node.received).toHaveLength(before);
  });
});

describe('lazarus explain', () => {
  it('prints the ladder, the votes and the run of an event whose id has slashes', async () => {
    const { code, out, err } = await lazarusProcess(at('explain', 'nagios/web-1/17'));
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('  12  ballot          pass');
    expect(out).toContain('b (us-east-1b)  NO   HealthCheckDown FAIL: healthy from here');
    expect(out).toContain('run d1234567890a of default.replace_host: succeeded in 9.0 s');
    expect(out).not.toContain('\u001B');
  });

  it('gives the same as data, found by a prefix', async () => {
    const { code, out } = await lazarus(at('explain', 'd12345', '-o', 'json'));
    expect(code).toBe(0);
    const { event, run, ...explanation } = JSON.parse(out) as Record<string, unknown>;
    expect({ event, run }).toEqual({ event: aRecord().event, run: aRun() });
    expect(ExplanationSchema.parse(explanation)).toEqual(explanation);
    expect(explanation).toEqual(explainDecision(aRecord()));
  });

  it('ends with 5 when nothing has the id', async () => {
    const { code, out, err } = await lazarus(at('explain', 'unknown/1'));
    expect({ code, out }).toEqual({ code: 5, out: '' });
    expect(err).toContain('no decision has the id unknown/1');
  });

  it('colors when it is asked to, and not with NO_COLOR', async () => {
    expect((await lazarus(at('explain', 'd12345'), { env: { FORCE_COLOR: '1' } })).out).toContain(
      '\u001B[32mpass',
    );
    expect(
      (await lazarus(at('explain', 'd12345'), { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).out,
    ).not.toContain('\u001B');
  });
});

describe('lazarus decisions', () => {
  it('is a table, wider when asked, and filtered', async () => {
    const table = await lazarus(at('decisions'));
    expect(table.out.split('\n').slice(0, 2)).toEqual([
      'DECIDED               DECISION   SERVICE  HOST   REASON                EVENT',
      '2026-01-01T00:00:12Z  escalate   db       db-1   no_rule               nagios/db-1/3',
    ]);
    expect((await lazarus(at('decisions', '-o', 'wide', '--kind', 'remediate'))).out).toMatch(
      /RULE\s+VOTES.*\n.*host_down\s+2\/3\s+acknowledged/,
    );
  });

  it('is JSON or one JSON value per line for programs', async () => {
    expect(JSON.parse((await lazarus(at('decisions', '-o', 'json', '-n', '1'))).out)).toHaveLength(1);
    const lines = (await lazarus(at('decisions', '-o', 'jsonl', '--service', 'web'))).out.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([aRecord()]);
  });

  it('says on standard error that there are none', async () => {
    expect(await lazarus(at('decisions', '--service', 'nobody'))).toEqual({
      code: 0,
      out: '',
      err: 'no decisions\n',
    });
  });

  it('with --follow shows what is there and what comes, each once, until Ctrl-C, which ends it with 130', async () => {
    const child = startLazarus(at('decisions', '--follow', '--service', 'web'));
    await child.sees('web web-1');
    node.push({ kind: 'decision', record: aRecord() });
    node.push({ kind: 'decision', record: aRecord({ event_id: 'n/2', service: 'db', host: 'db-2' }) });
    node.push({ kind: 'decision', record: aRecord({ event_id: 'n/3', host: 'web-3' }) });
    await child.sees('web web-3');
    child.interrupt();
    const { code, out } = await child.ended;
    expect(code).toBe(130);
    expect(out.match(/web web-1/g)).toHaveLength(1);
    expect(out).not.toContain('db-2');
  });
});

describe('lazarus runs', () => {
  it('lists and prints them', async () => {
    expect((await lazarus(at('runs', 'list'))).out).toMatch(
      /succeeded\s+9\.0 s\s+web\s+i-1\s+default\.replace_host\s+resolved\s+d1234567890a/,
    );
    expect((await lazarus(at('runs', 'get', 'd12345'))).out).toContain(
      'clone    succeeded    2 attempts, 1.3 s',
    );
    expect(JSON.parse((await lazarus(at('runs', 'get', 'd12345', '-o', 'json'))).out)).toEqual(aRun());
    expect((await lazarus(at('runs', 'list', '--active'))).err).toBe('no runs\n');
  });
});

describe('lazarus plan', () => {
  it('ends with 3 when Lazarus would act and with 4 when a gate stops the event', async () => {
    const event = join(folder, 'event.json');
    await writeFile(
      event,
      JSON.stringify({
        event_type: 'HealthcheckDown',
        service: 'web',
        region: 'us-east-1',
        environment: 'prod',
      }),
    );
    const acts = await lazarusProcess(at('plan', '--event', event));
    expect(acts.code).toBe(3);
    expect(acts.out).toContain('remediate with default.replace_host');
    expect(node.planned.at(-1)).toMatchObject({ service: 'web', source: 'cli' });

    const { votes: _votes, ...rest } = aRecord();
    node.answerPlan({
      ...rest,
      decision: { kind: 'escalate', reason: 'paused', detail: 'by ada' },
      gates: [
        ...allGates().slice(0, 6),
        aGate({
          gate: 'paused',
          verdict: 'fail',
          exit: 'paused',
          reason: 'by ada',
          would_flip: 'lazarus resume',
        }),
      ],
    });
    const blocked = await lazarusProcess(at('plan', '--type', 'X', '--service', 'web'));
    expect(blocked.code).toBe(4);
    expect(blocked.out).toContain('would have gone on with: lazarus resume');
    node.answerPlan(aRecord());
  });
});

describe('what a run would do', () => {
  const shadowed = aRecord({
    event_id: 'nagios/web-1/shadow',
    decision_id: 'shadow1234',
    mode: 'notify',
    decision: { kind: 'notify_only', reason: 'mode', detail: 'in mode notify', would: 'remediate' },
  });

  it('is printed by plan below the ladder, and is data with -o json', async () => {
    node.answerDryRun(DRY_RUN);
    node.answerPlan(shadowed);
    const text = await lazarus(at('plan', '--type', 'X', '--service', 'web'));
    expect(text.code).toBe(4);
    expect(text.out).toContain('if it acted, it would run default.replace_host:');
    expect(text.out).toContain('launches a host like i-1 (destructive');
    const data = await lazarus(at('plan', '--type', 'X', '--service', 'web', '-o', 'json'));
    expect(JSON.parse(data.out)).toEqual({ ...shadowed, dry_run: DRY_RUN });
    node.answerPlan(aRecord());
    node.answerDryRun(undefined);
  });

  it('is printed by explain for a decision in mode notify, and not for one that acted', async () => {
    node.answerDryRun(DRY_RUN);
    await node.audit.conclude(shadowed);
    expect((await lazarus(at('explain', shadowed.event_id))).out).toContain('if it acted, it would run');
    const data = await lazarus(at('explain', shadowed.event_id, '-o', 'json'));
    expect(JSON.parse(data.out)).toMatchObject({ dry_run: DRY_RUN });
    expect((await lazarus(at('explain', 'nagios/web-1/17'))).out).not.toContain('would run');
    node.answerDryRun(undefined);
    expect((await lazarus(at('explain', shadowed.event_id))).code).toBe(0);
  });
});

describe('votes that came too late', () => {
  it('are shown by explain below the ballot, and are data with -o json', async () => {
    const late = {
      decision_id: 'd1234567890abcdef',
      voter: 'c',
      received_at: '2026-01-01T00:00:15.000Z',
      voided: { voter: 'c', reason: 'late' as const },
    };
    node.answerLateVotes([late]);
    expect((await lazarus(at('explain', 'd12345'))).out).toMatch(
      /12 {2}ballot.*\n.*\n.*\n.*\n +c {2}late {2}came 2\.6 s after the decision and counted for nothing\n +13 {2}budget/,
    );
    expect(JSON.parse((await lazarus(at('explain', 'd12345', '-o', 'json'))).out)).toMatchObject({
      late_votes: [late],
    });
    node.answerLateVotes([]);
  });
});

describe('lazarus rollouts', () => {
  it('lists the wave, what it reaches and what went wrong, and lets a person go on', async () => {
    expect((await lazarus(at('rollouts'))).out).toMatch(
      /stateless\s+stopped\s+1 of 3\s+2 of 40\s+2 of 4\s+2026-01-01T00:00:00Z\s+2 of 4 outcomes went wrong/,
    );
    const act = (profile: string, ...more: string[]) =>
      lazarus(at('rollout', profile, '--action', 'resume', '--author', 'ada', ...more));
    expect((await act('stateless', '--reason', 'a bad rack')).code).toBe(0);
    expect((await act('other', '--reason', 'x')).code).toBe(5);
    expect((await act('stateless')).code).toBe(2);
  });
});

describe('lazarus pause', () => {
  it('needs a reason and an expiry, is listed, and is lifted by resume', async () => {
    expect((await lazarus(at('pause', '--for', '2h'))).code).toBe(2);
    expect((await lazarus(at('pause', '--reason', 'x'))).code).toBe(2);
    const paused = await lazarus(
      at('pause', '--service', 'web', '--for', '2h', '--reason', 'release', '--author', 'ada'),
    );
    expect(paused).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^paused service web until .*: release\n$/) as string,
    });
    expect((await lazarus(at('pauses'))).out).toMatch(/service web\s+ada\s+.*Z\s+release/);
    expect((await lazarus(at('resume', '--service', 'web', '--reason', 'done'))).out).toBe(
      'resumed service web\n',
    );
    expect((await lazarus(at('resume', '--service', 'web', '--reason', 'done'))).code).toBe(5);
    expect((await lazarus(at('pauses'))).err).toBe('nothing is paused\n');
  }, 40_000);

  it('ends with 2 for a duration that the node refuses', async () => {
    const { code, err } = await lazarus(at('pause', '--for', '2 hours', '--reason', 'x'));
    expect(code).toBe(2);
    expect(err).toContain('expected a duration');
  });
});

describe('lazarus forensics', () => {
  it('lists kept hosts, and fails when the list may be partial', async () => {
    node.fleet.put(
      aHost({
        hostId: 'i-9',
        name: 'web-9',
        lifecycle: 'forensics',
        tags: { 'lazarus:expires-at': '2030-01-01T00:00:00Z' },
      }),
    );
    expect(await lazarus(at('forensics', '--service', 'web'))).toMatchObject({
      code: 0,
      out: expect.stringMatching(/web-9\s+i-9\s+us-east-1a\s+2030-01-01/) as string,
    });
    node.fleet.truncate(true);
    expect(await lazarus(at('forensics', '--service', 'web'))).toMatchObject({
      code: 1,
      err: expect.stringContaining('only a part') as string,
    });
    node.fleet.truncate(false);
  });
});

describe('lazarus doctor', () => {
  it('names what is well and what is not', async () => {
    const { code, out } = await lazarus(at('doctor'));
    expect(code).toBe(1);
    expect(out).toMatch(/^ok {4}reachable/m);
    expect(out).toMatch(/^ok {4}audit +writable/m);
    expect(out).toMatch(/^warn {2}quorum +2 of 3 nodes/m);
    expect(out).toMatch(/^FAIL {2}config digest +there is no valid one/m);
    expect((await lazarus(['doctor', '--url', NOWHERE])).code).toBe(6);
  });
});

describe('the token', () => {
  it('comes from a file or the environment, never from the command line', async () => {
    const guarded = await startNode({ tokens: ['a-token-of-24-characters'] });
    const file = join(folder, 'token');
    await writeFile(file, 'a-token-of-24-characters\n');
    const words = ['decisions', '--url', guarded.url];
    expect(await lazarus(words)).toEqual({
      code: 1,
      out: '',
      err: expect.stringMatching(
        /asks for a token, and none was given\n {2}Give the token .*--token-file/,
      ) as string,
    });
    expect((await lazarus(words, { env: { LAZARUS_TOKEN: 'another-token-of-them' } })).err).toMatch(
      /refused the token that was given: it is not one of this node\n.*--token-file/,
    );
    expect((await lazarus([...words, '--token-file', file])).code).toBe(0);
    expect((await lazarus(words, { env: { LAZARUS_TOKEN: 'a-token-of-24-characters' } })).code).toBe(0);
    expect((await lazarus([...words, '--token-file', join(folder, 'none')])).code).toBe(2);
    for (const [name, content, held] of [
      ['blank', ' \n', 'is empty'],
      ['binary', '\u{fffd}sesame', 'holds no token'],
      ['two-lines', 'open\nsesame', 'holds no token'],
    ] as const) {
      await writeFile(join(folder, name), content);
      const answer = await lazarus([...words, '--token-file', join(folder, name)]);
      expect(answer.code).toBe(2);
      expect(answer.err).toContain(`${name} ${held}, expected one line`);
      expect(answer.err).not.toContain('sesame');
    }
    expect((await lazarus([...words, '--token', 'x'])).err).toContain("unknown option '--token'");
    await guarded.close();
  });
});

describe('the command line', () => {
  it('says where help is when the words are wrong, what is not there, and that nobody listens', async () => {
    expect((await lazarus(['explain'])).err).toBe(
      "lazarus: missing required argument 'id'\n  See lazarus explain --help.\n",
    );
    expect((await lazarus(['runs', 'lst'])).err).toContain('Did you mean list?');
    expect((await lazarus(['runs', 'lst'])).err).toContain('See lazarus runs --help.');
    expect((await lazarus(['plan', '--event', join(folder, 'none.json')])).err).toMatch(
      /none\.json could not be read: it is not there/,
    );
    const gone = await startNode();
    await gone.close();
    expect((await lazarus(['rollouts', '--url', gone.url])).err).toMatch(
      /could not be reached: nothing listens there \(ECONNREFUSED\)\n {2}Is the node running\?/,
    );
  });

  it('suggests the command that was meant and ends with 2', async () => {
    const { code, out, err } = await lazarusProcess(['explian', 'x']);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('Did you mean explain?');
  });

  it('prints help and version on standard output and ends with 0', async () => {
    expect(await lazarusProcess(['--version'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
      err: '',
    });
    const help = await lazarusProcess(['emit', '--help']);
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(help.out).toContain('Examples:');
  });

  it('prints usage on standard error and ends with 2 when there is no command', async () => {
    const { code, out, err } = await lazarusProcess([]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('Usage: lazarus');
  });

  it('never prints a stack', async () => {
    node.audit.fail('disk is gone');
    const { code, err } = await lazarusProcess(at('decisions'));
    node.audit.fail(undefined);
    expect(code).toBe(6);
    expect(err).toBe('lazarus: LZ_AUDIT_UNAVAILABLE: disk is gone\n');
  });

  it('ends with 0 and without a word when its reader has gone', async () => {
    const child = startLazarus(at('decisions', '-o', 'jsonl'));
    child.stopReading();
    expect(await child.ended).toEqual({ code: 0, out: '', err: '' });
  });
});
