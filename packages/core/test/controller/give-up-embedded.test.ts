import { createLazarus, PortError } from '@lazarus/core';
import type { DecisionRecord } from '@lazarus/core';
import { createMemoryAudit } from '@lazarus/core/memory';
import { createIntake } from '@lazarus/core/stream';
import { aHost, anEvent, createFakeFleet, createFakeHealthProbe, createFakePager } from '@lazarus/testing';
import { createManualClock, createRecordingLogger } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';

const WEB = 'service: web\nteam: storefront\nprofile: stateless\noverrides: { hold_down: 0s }\n';
const FULL = new PortError({ code: 'LZ_AUDIT_UNAVAILABLE', message: 'disk full', retryable: true });

/** Lazarus in a program that is told of events: an intake in front of it, and a disk that can be full. */
function createWorld() {
  const clock = createManualClock();
  const log = createRecordingLogger();
  const disk = { isFull: false };
  const memory = createMemoryAudit();
  const audit: typeof memory = {
    ...memory,
    commitIntent: async (record) => (disk.isFull ? Promise.reject(FULL) : memory.commitIntent(record)),
    conclude: async (record) => (disk.isFull ? Promise.reject(FULL) : memory.conclude(record)),
  };
  const pager = createFakePager({ clock });
  pager.open('web/web1');
  const lazarus = createLazarus(
    { region: 'us-east-1', config: [{ kind: 'service', path: 'services/web.yaml', text: WEB }] },
    {
      clock,
      log,
      pager,
      audit,
      fleet: createFakeFleet({ clock, hosts: [aHost({ hostId: 'i-web1', name: 'web1' })] }),
      probe: createFakeHealthProbe({ clock, zone: 'us-east-1a' }),
      handler: async () => {},
    },
  );
  const intake = createIntake({ maxNacks: 3 }, { clock, log, onGivenUp: lazarus.giveUp });
  const stop = new AbortController();
  const pump = async (): Promise<void> => {
    for (;;) {
      for (const delivery of await intake.pull({ max: 1, signal: stop.signal }))
        await lazarus.handle(delivery.payload).then(
          () => delivery.ack(),
          (error: unknown) => delivery.nack(String(error)),
        );
    }
  };
  pump().catch(() => undefined);
  const close = async (): Promise<void> => {
    stop.abort(new Error('the test is over'));
    await intake.close();
    await lazarus.close();
  };
  const event = anEvent({
    host: 'web1',
    incident_key: 'web/web1',
    time: new Date(clock.now()).toISOString(),
  });
  return { clock, disk, audit, pager, lazarus, intake, event, close };
}

describe('an event that an embedded Lazarus fails at 3 times', () => {
  it('S11: is held until it has a record, and its page is with a person before that', async () => {
    const { clock, disk, audit, pager, lazarus, intake, event, close } = createWorld();
    const told: DecisionRecord[] = [];
    lazarus.onDecision((record) => void told.push(record));
    disk.isFull = true;
    intake.offer(event);
    await clock.advance(20_000);
    expect(pager.pageOf('web/web1')).toMatchObject({ escalationLevel: 2 });
    expect(intake.held).toBe(1);
    expect(told).toEqual([]);
    disk.isFull = false;
    await clock.advance(10_000);
    expect(intake.held).toBe(0);
    const [record] = await audit.decisions();
    expect(record).toMatchObject({
      decision: { kind: 'escalate', reason: 'dead_letter' },
      page: { action: 'escalated' },
    });
    expect(told).toEqual([record]);
    await close();
  });

  it('S11: that names a page but is no event has that page escalated', async () => {
    const { pager, lazarus, close } = createWorld();
    const record = await lazarus.giveUp({
      payload: { incident_key: 'web/web1' },
      position: '7',
      reason: 'malformed',
    });
    expect(record).toMatchObject({ event_id: 'undecoded/7', decision: { detail: 'malformed' } });
    expect(pager.pageOf('web/web1')).toMatchObject({ escalationLevel: 2 });
    await close();
    await expect(lazarus.giveUp({ payload: {}, position: '8', reason: 'x' })).rejects.toThrow('closed');
  });
});
