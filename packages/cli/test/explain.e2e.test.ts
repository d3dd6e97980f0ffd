import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aRecord, aRun, DRY_RUN } from './fixture.ts';
import { lazarus, startLazarus } from './node-server.ts';

type Reply = (response: ServerResponse) => void;

const HANG: Reply = () => undefined;
const answer =
  (status: number, body: unknown): Reply =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };

/** What the node says of each; a decision that was shadowed has a run here, too, so that both are asked for. */
let replies: { decisions: Reply; runs: Reply; 'dry-runs': Reply };
let server: Server;
let url: string;

beforeEach(async () => {
  replies = {
    decisions: answer(200, aRecord({ mode: 'notify' })),
    runs: answer(200, aRun()),
    'dry-runs': answer(200, DRY_RUN),
  };
  server = createServer(({ url: path = '' }, response) => {
    const [, , kind = ''] = path.split('/');
    replies[kind as keyof typeof replies](response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const words = (...more: string[]): string[] => ['explain', 'nagios/web-1/17', '--url', url, ...more];

describe('explain', () => {
  it('prints the ladder at once while the node is still silent about the run and about what it would do', async () => {
    replies = { ...replies, runs: HANG, 'dry-runs': HANG };
    const command = startLazarus(words('--timeout', '10m'));
    await command.sees('15  run');
    command.interrupt();
    await command.ended;
  });

  it('says in one line each what it could not find out, and ends with 0', async () => {
    replies = {
      ...replies,
      runs: HANG,
      'dry-runs': answer(503, { error: { message: 'no\nconfiguration' } }),
    };
    const { code, out, err } = await lazarus(words('--timeout', '300ms'));
    expect(code).toBe(0);
    expect(out).toContain('15  run');
    expect(err.split('\n')).toEqual([
      `lazarus: the run is not known: ${url} could not be reached: no answer within 0.3 s`,
      expect.stringMatching(/^lazarus: what the run would do is not known: no.configuration$/),
      '',
    ]);
  });

  it('says so, too, when the node could not read the late votes, and when an answer is no view at all', async () => {
    const record = { ...aRecord({ mode: 'notify' }), late_votes_problem: 'the disk is gone' };
    replies = { ...replies, decisions: answer(200, record), 'dry-runs': answer(200, {}) };
    const { code, out, err } = await lazarus(words());
    expect(code).toBe(0);
    expect(out).toContain('run d1234567890a of default.replace_host: succeeded in 9.0 s');
    expect(err).toMatch(
      /^lazarus: the late votes are not known: the disk is gone\nlazarus: what the run would do is not known: .*\n$/,
    );
  });

  it('lists the problems as data with -o json, and none when there are none', async () => {
    const whole = await lazarus(words('-o', 'json'));
    expect(JSON.parse(whole.out)).toMatchObject({ run: aRun(), dry_run: DRY_RUN });
    expect(JSON.parse(whole.out)).not.toHaveProperty('problems');
    replies['dry-runs'] = answer(503, {});
    const { code, out, err } = await lazarus(words('-o', 'json'));
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toMatchObject({
      run: aRun(),
      problems: ['what the run would do is not known: the node answered 503'],
    });
  });
});
