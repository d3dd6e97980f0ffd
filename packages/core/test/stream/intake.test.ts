import { createIntake, createPipeline } from '@lazarus/core/stream';
import { createFakeNotifier, createManualClock, createRecordingMeter, silentLogger } from '@lazarus/testing';
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
    const clock = createManualClock();
    const intake = createIntake({ maxEvents: 3 }, { clock });
    for (const payload of ['a', 'b', 'c', 'd']) intake.offer(payload);
    const [a, b] = await intake.pull({ max: 2, signal: never });
    expect([a?.payload, b?.payload]).toEqual(['a', 'b']);
    await a?.nack('later');
    await a?.nack('later');
    await b?.ack();
    await b?.nack('too late');
    await b?.ack();
    expect(intake.held).toBe(2);
    await clock.advance(250);
    const again = await intake.pull({ max: 9, signal: never });
    expect(again.map(({ payload, redeliveries }) => ({ payload, redeliveries }))).toEqual([
      { payload: 'c', redeliveries: 0 },
      { payload: 'a', redeliveries: 1 },
    ]);
  });

  it('L5: hands out an event whose record cannot be written 3 times in 1 min, and then gives it up', async () => {
    const world = createWorld();
    const { conclude } = world.audit;
    world.audit.conclude = () => Promise.reject(new Error('disk full'));
    const given: unknown[] = [];
    const { controller, clock } = world;
    let decided = 0;
    const counting = Object.create(controller, {
      decide: {
        value: (...call: Parameters<typeof controller.decide>) => {
          decided += 1;
          return controller.decide(...call);
        },
      },
    }) as typeof controller;
    const intake = createIntake(
      {},
      {
        clock,
        log: silentLogger,
        onGivenUp: (event) => {
          given.push(event);
          return controller.giveUp(event.payload, { position: event.position, reason: event.reason });
        },
      },
    );
    const pipeline = createPipeline(
      {},
      { ...world, lanes: [{ sensor: intake, controller: counting }], log: silentLogger },
    );
    intake.offer(anEvent({ host: 'nobody' }));
    await clock.settle();
    expect(decided).toBe(1);
    await clock.advance(249);
    expect(decided).toBe(1);
    await clock.advance(1);
    expect(decided).toBe(2);
    await clock.advance(60_000);
    expect(decided).toBe(3);
    expect(given[0]).toMatchObject({
      position: '1',
      nacks: 3,
      reason: expect.stringContaining('disk full') as unknown,
    });
    // What cannot be given up either is held, so that its place tells of it.
    expect(intake.held).toBe(1);
    world.audit.conclude = conclude;
    await clock.advance(2_000);
    expect(intake.held).toBe(0);
    expect(await world.audit.byEvent('nagios/evt-1')).toMatchObject({ terminal: true });
    await pipeline.close();
    expect(clock.pending).toBe(0);
  });

  it('hands out again for ever, at least 250 ms later, what nobody takes who gives up', async () => {
    const clock = createManualClock();
    const intake = createIntake({}, { clock });
    intake.offer('a');
    for (let time = 0; time < 10; time += 1) {
      const [a] = await intake.pull({ max: 1, signal: never });
      expect(a?.redeliveries).toBe(time);
      await a?.nack('later');
      expect(clock.nextInMs).toBe(Math.min(2_000, 250 * 2 ** time));
      await clock.advance(2_000);
    }
    await intake.close();
  });

  it('never holds more than its places, and offered is accepted plus refused, over random use', async () => {
    const steps = fc.array(fc.constantFrom('offer', 'pull', 'ack', 'nack'), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 5 }), async (sequence, maxEvents) => {
        const clock = createManualClock();
        const intake = createIntake({ maxEvents }, { clock });
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
            await clock.advance(2_000);
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
