import { PortError } from '@lazarus/core';
import { describe, expect, it } from 'vitest';
import { aRequest } from './support/bench.ts';
import { createPair, withCalls } from './support/pair.ts';

const WAITS = 'steps: { a: { signal: go, timeout: 10m }, b: { needs: [a], wait: 5m } }\n';
const submitted = aRequest({ workflow: 'test.flow' });

describe('a signal', () => {
  it('of another process is heard, also when one of our own comes right behind it', async () => {
    const { clock, start } = createPair(WAITS);
    const one = await start('p1');
    const two = await start('p2');
    await one.submit(submitted);
    await clock.advance(1_500);
    await two.cancel('run-1', 'a person stops it');
    await one.signal('run-1', 'other', null);
    await clock.advance(2_000);
    expect(await one.get('run-1')).toMatchObject({
      status: 'canceled',
      error: { message: 'a person stops it' },
    });
  });

  it.each(['p1', 'p2'])('of %s that cannot be read at first is heard when it can be', async (from) => {
    const { clock, journal, start } = createPair(WAITS);
    let isBroken = false;
    let changes = 0;
    let seen = 0;
    const flaky = withCalls(journal, {
      commit: (writes) => {
        changes += 1;
        return journal.commit(writes);
      },
      changedByOthers: async () => {
        const hasChanged = changes !== seen;
        seen = changes;
        return hasChanged;
      },
      signals: (runId) =>
        isBroken
          ? Promise.reject(
              new PortError({ code: 'LZ_JOURNAL_UNAVAILABLE', message: 'no answer', retryable: true }),
            )
          : journal.signals(runId),
    });
    const one = await start('p1', {}, flaky);
    const two = await start('p2', {}, flaky);
    await one.submit(submitted);
    await clock.advance(1_500);
    isBroken = true;
    await (from === 'p1' ? one : two).cancel('run-1', 'a person stops it');
    await clock.advance(3_000);
    expect(await one.get('run-1')).toMatchObject({ status: 'running' });
    isBroken = false;
    await clock.advance(2_000);
    expect(await one.get('run-1')).toMatchObject({ status: 'canceled' });
  });

  it.each([true, false])(
    'to stop keeps the next process from repeating what was open when the last one died (it happened: %s)',
    async (happened) => {
      const { clock, dead, journal, script, start, world } = createPair(
        'steps: { make: { uses: test.checked@1, compensate: { uses: test.do@1 } } }\n',
      );
      script.replies['make'] = [{ hang: true }];
      script.happened['make'] = happened;
      const one = await start('p1');
      await one.submit(submitted);
      await clock.advance(1_000);
      dead.add('p1');
      const signal = { name: '$cancel', payload: 'a person stops it' };
      await journal.commit([{ kind: 'signal', runId: 'run-1', signal }]);
      const two = await start('p2');
      await clock.advance(20_000);
      expect(await two.get('run-1')).toMatchObject({
        status: 'canceled',
        error: { message: 'a person stops it' },
      });
      const isQuestion = (body: string): boolean => body === 'check check.make';
      const asked = script.bodies.filter(isQuestion);
      expect(script.bodies.filter((body) => !isQuestion(body))).toEqual(
        happened ? ['make#1', 'compensate.make#1'] : ['make#1'],
      );
      expect(asked).toHaveLength(happened ? 1 : 3);
      expect(world.escalations).toHaveLength(1);
    },
  );
});
