import { createIntake, createPipeline } from '@lazarus/core/stream';
import { createFakeNotifier, createRecordingMeter, silentLogger } from '@lazarus/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aRule, anEvent, createWorld } from '../decision/world.ts';

const never = new AbortController().signal;

describe('an intake', () => {
  it('L5: holds 50 of 100 000 events offered to a consumer that stands still, and counts each refused one', async () => {
    const world = createWorld({ rule: aRule({ holdDownMs: 10_000, limits: { maxEntities: 100 } }) });
    const meter = createRecordingMeter();
    const intake = createIntake({ maxEvents: 50 }, { meter });
    const pipeline = createPipeline(
      { maxInFlight: 8 },
      { ...world, lanes: [{ sensor: intake, controller: world.controller }], log: silentLogger },
    );
    let accepted = 0;
    for (let at = 0; at < 100_000; at += 1) {
      if (intake.offer(anEvent({ id: `evt-${at}`, host: `web${(at % 4) + 1}` })).accepted) accepted += 1;
      if (at % 10_000 === 0) await world.clock.settle();
    }
    expect({ accepted, held: intake.held, inFlight: pipeline.inFlight }).toEqual({
      accepted: 50,
      held: 50,
      inFlight: 8,
    });
    expect(intake.refused).toBe(99_950);
    expect(meter.counted('lazarus_events_refused_total', { reason: 'full' })).toBe(99_950);
    await pipeline.close();
    expect(intake.offer(anEvent())).toEqual({ accepted: false, reason: 'closed' });
  });

  it('S11: gives each accepted event to the pipeline until it is acknowledged', async () => {
    const world = createWorld();
    const intake = createIntake();
    const pipeline = createPipeline(
      {},
      { ...world, lanes: [{ sensor: intake, controller: world.controller }], log: silentLogger },
    );
    expect(intake.offer(anEvent())).toEqual({ accepted: true, position: '1' });
    await world.clock.settle();
    expect(await world.audit.byEvent('nagios/evt-1')).toMatchObject({ terminal: true });
    expect(intake.held).toBe(0);
    await pipeline.close();
  });

  it('hands out in the order of arrival, again what was handed back, and nothing twice that was acknowledged', async () => {
    const intake = createIntake({ maxEvents: 3 });
    for (const payload of ['a', 'b', 'c', 'd']) intake.offer(payload);
    const [a, b] = await intake.pull({ max: 2, signal: never });
    expect([a?.payload, b?.payload]).toEqual(['a', 'b']);
    await a?.nack('later');
    await a?.nack('later');
    await b?.ack();
    await b?.nack('too late');
    await b?.ack();
    expect(intake.held).toBe(2);
    const again = await intake.pull({ max: 9, signal: never });
    expect(again.map(({ payload, redeliveries }) => ({ payload, redeliveries }))).toEqual([
      { payload: 'c', redeliveries: 0 },
      { payload: 'a', redeliveries: 1 },
    ]);
  });

  it('never holds more than its places, and offered is accepted plus refused, over random use', async () => {
    const steps = fc.array(fc.constantFrom('offer', 'pull', 'ack', 'nack'), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 5 }), async (sequence, maxEvents) => {
        const intake = createIntake({ maxEvents });
        const out: { ack(): Promise<void>; nack(reason: string): Promise<void> }[] = [];
        const model = { waiting: 0, out: 0, offered: 0, refused: 0 };
        for (const step of sequence) {
          if (step === 'offer') {
            const hasRoom = model.waiting + model.out < maxEvents;
            model.offered += 1;
            if (hasRoom) model.waiting += 1;
            else model.refused += 1;
            expect(intake.offer(model.offered).accepted).toBe(hasRoom);
          } else if (step === 'pull' && model.waiting > 0) {
            out.push(...(await intake.pull({ max: 2, signal: never })));
            const taken = Math.min(2, model.waiting);
            model.waiting -= taken;
            model.out += taken;
          } else if (step !== 'pull' && model.out > 0) {
            const delivery = out.shift();
            await (step === 'ack' ? delivery?.ack() : delivery?.nack('again'));
            model.out -= 1;
            if (step === 'nack') model.waiting += 1;
          }
          expect(intake.held).toBe(model.waiting + model.out);
          expect(intake.accepted + intake.refused).toBe(model.offered);
          expect(intake.refused).toBe(model.refused);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('ends a waiting pull when it is closed, and when its signal aborts', async () => {
    const intake = createIntake();
    const stop = new AbortController();
    const aborted = intake.pull({ max: 1, signal: stop.signal });
    const closed = intake.pull({ max: 1, signal: never });
    stop.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await intake.close();
    expect(await closed).toEqual([]);
  });

  it('refuses bounds that are none', () => {
    expect(() => createIntake({ maxEvents: 0 })).toThrow(/maxEvents/);
  });
});

describe('a notifier that hangs', () => {
  it('L5: costs 10 waiting notifications and no decision, no page and no event; the rest is dropped and counted', async () => {
    const world = createWorld({ withoutRule: true });
    const meter = createRecordingMeter();
    const notifier = createFakeNotifier();
    let hanging = 0;
    const intake = createIntake({ maxEvents: 1_000 });
    const pipeline = createPipeline(
      { maxWaitingNotifications: 10, notifyTimeoutMs: 5_000 },
      {
        ...world,
        lanes: [{ sensor: intake, controller: world.controller }],
        log: silentLogger,
        meter,
        notifier: {
          send: (notification, options) => {
            hanging += 1;
            return hanging === 1 ? new Promise(() => undefined) : notifier.send(notification, options);
          },
        },
      },
    );
    for (let at = 0; at < 100; at += 1) intake.offer(anEvent({ id: `evt-${at}`, host: `h-${at}` }));
    await world.clock.settle();
    expect(intake.held).toBe(0);
    expect(meter.counted('lazarus_events_decided_total', { outcome: 'escalate' })).toBe(100);
    expect(pipeline.droppedNotifications).toBe(89);
    expect(meter.counted('lazarus_notifications_dropped_total', { kind: 'escalated' })).toBe(89);
    await world.clock.advance(5_000);
    expect(notifier.sent).toHaveLength(10);
    await pipeline.close();
    await world.clock.settle();
  });

  it('leaves no sleeping timer behind when the pipeline closes while one is sent', async () => {
    const world = createWorld({ withoutRule: true });
    const intake = createIntake();
    let signal: AbortSignal | undefined;
    const notifier = {
      send: async (_: unknown, options?: { readonly signal?: AbortSignal }) => {
        signal = options?.signal;
        await new Promise(() => undefined);
      },
    };
    const pipeline = createPipeline(
      {},
      { ...world, lanes: [{ sensor: intake, controller: world.controller }], log: silentLogger, notifier },
    );
    intake.offer(anEvent());
    await world.clock.settle();
    expect(world.clock.pending).toBe(1);
    await pipeline.close();
    world.controller.close();
    await world.clock.settle();
    expect(signal?.aborted).toBe(true);
    expect(world.clock.pending).toBe(0);
  });
});
