import type { RolloutView } from '@lazarus/core/config';
import { describe, expect, it } from 'vitest';
import { createFixture } from './fixture.ts';

const VIEW: RolloutView = {
  profile: 'stateless',
  status: 'stopped',
  wave: 1,
  waves: 3,
  services: { reached: 2, total: 40 },
  outcomes: { total: 4, failed: 2 },
  since: '2026-01-01T00:00:00.000Z',
  because: '2 of 4 outcomes went wrong, at most 10 % may',
};

function createBench() {
  const acted: unknown[] = [];
  const fixture = createFixture({
    ports: {
      rollouts: {
        list: async () => [VIEW],
        act: async (...call) => {
          acted.push(call);
          return call[0] === 'stateless';
        },
      },
    },
  });
  return { ...fixture, acted };
}

describe('rollouts', () => {
  it('are listed', async () => {
    const { get } = createBench();
    expect((await get('/v1/rollouts')).body).toEqual({ rollouts: [VIEW] });
  });

  it('are resumed by a person with a reason', async () => {
    const { send, acted } = createBench();
    const body = { action: 'resume', author: 'ada', reason: 'was a bad rack' };
    expect((await send('POST', '/v1/rollouts/stateless', body)).status).toBe(200);
    expect(acted).toEqual([['stateless', 'resume', { author: 'ada', reason: 'was a bad rack' }]]);
    expect((await send('POST', '/v1/rollouts/other', body)).status).toBe(404);
  });

  it.each([
    ['no reason', { action: 'resume', author: 'ada' }],
    ['an unknown action', { action: 'skip', author: 'ada', reason: 'x' }],
  ])('with %s are refused', async (_name, body) => {
    const { send, acted } = createBench();
    expect((await send('POST', '/v1/rollouts/stateless', body)).status).toBe(400);
    expect(acted).toEqual([]);
  });

  it('have no endpoint without a port', async () => {
    expect((await createFixture().get('/v1/rollouts')).status).toBe(404);
  });
});
