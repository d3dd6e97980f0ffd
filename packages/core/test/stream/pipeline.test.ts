import { createPipeline } from '@lazarus/core/stream';
import type { LiveEntry } from '@lazarus/core/stream';
import type { Delivery, Sensor } from '@lazarus/core/ports';
import { createFakeNotifier, createRecordingMeter, silentLogger } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { aRule, anEvent, createWorld } from '../decision/world.ts';

interface Source extends Sensor {
  readonly acked: string[];
  readonly nacked: string[];
  /** Deliveries that were handed out. */
  handedOut: number;
  readonly asked: number[];
}

/** An endless stream of events about other services, or a fixed list of payloads. */
function sourceOf(payloads: Iterable<unknown>): Source {
  const iterator = payloads[Symbol.iterator]();
  const source: Source = {
    acked: [],
    nacked: [],
    handedOut: 0,
    asked: [],
    pull: async ({ max, signal }) => {
      source.asked.push(max);
      const batch: Delivery[] = [];
      while (batch.length < max) {
        const next = iterator.next();
        if (next.done === true) break;
        const position = String(source.handedOut++);
        batch.push({
          position,
          payload: next.value,
          ack: async () => void source.acked.push(position),
          nack: async () => void source.nacked.push(position),
        });
      }
      // A real sensor waits for more; this one waits until it is closed.
      if (batch.length === 0)
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      return batch;
    },
    close: async () => undefined,
  };
  return source;
}

function* storm(count: number) {
  for (let index = 0; index < count; index += 1)
    yield anEvent({ id: `evt-${index}`, host: `web${(index % 4) + 1}` });
}

describe('the event flow', () => {
  it('S11: acknowledges a delivery only after its decision is durable', async () => {
    const world = createWorld();
    const source = sourceOf([anEvent()]);
    const pipeline = createPipeline(
      {},
      { ...world, lanes: [{ sensor: source, controller: world.controller }], log: silentLogger },
    );
    await world.clock.settle();
    expect(source.acked).toEqual(['0']);
    expect(await world.audit.byEvent('nagios/evt-1')).toMatchObject({ terminal: true });
    await pipeline.close();
  });

  it('S11: hands a delivery back when its record could not be made durable', async () => {
    const world = createWorld({ withoutRule: true });
    world.audit.fail('disk full');
    const source = sourceOf([anEvent()]);
    const pipeline = createPipeline(
      {},
      { ...world, lanes: [{ sensor: source, controller: world.controller }], log: silentLogger },
    );
    await world.clock.settle();
    expect({ acked: source.acked, nacked: source.nacked }).toEqual({ acked: [], nacked: ['0'] });
    await pipeline.close();
  });

  it('L5: asks for nothing more while 8 events are being decided, however many wait', async () => {
    const world = createWorld({ rule: aRule({ holdDownMs: 10_000, limits: { maxEntities: 100 } }) });
    const source = sourceOf(storm(100_000));
    const pipeline = createPipeline(
      { maxInFlight: 8 },
      { ...world, lanes: [{ sensor: source, controller: world.controller }], log: silentLogger },
    );
    await world.clock.settle();
    expect(source.handedOut).toBe(8);
    expect(pipeline.inFlight).toBe(8);
    expect(Math.max(...source.asked)).toBe(8);
    await pipeline.close();
  });

  it('tells people, counts, and shows each decision and each run once', async () => {
    const world = createWorld();
    const notifier = createFakeNotifier();
    const meter = createRecordingMeter();
    const source = sourceOf([anEvent()]);
    const pipeline = createPipeline(
      {},
      {
        ...world,
        lanes: [{ sensor: source, controller: world.controller }],
        log: silentLogger,
        notifier,
        meter,
      },
    );
    const live: LiveEntry['kind'][] = [];
    const watching = pipeline.live$.subscribe((entry) => live.push(entry.kind));
    await world.clock.settle();
    const [run] = world.engine.submitted;
    world.engine.finish(run?.runId ?? '', 'succeeded');
    await world.clock.settle();
    expect(live).toEqual(['decision', 'run']);
    expect(notifier.sent.map(({ kind }) => kind)).toEqual(['acknowledged', 'resolved']);
    expect(meter.counted('lazarus_events_decided_total', { outcome: 'remediate' })).toBe(1);
    expect(meter.observed('lazarus_run_duration_seconds')).toHaveLength(1);
    watching.unsubscribe();
    await pipeline.close();
  });

  it('goes on deciding when the notifier fails', async () => {
    const world = createWorld({ withoutRule: true });
    const notifier = createFakeNotifier();
    notifier.fail('smtp is away');
    const source = sourceOf([anEvent({ id: 'one' }), anEvent({ id: 'two' })]);
    const pipeline = createPipeline(
      {},
      { ...world, lanes: [{ sensor: source, controller: world.controller }], log: silentLogger, notifier },
    );
    await world.clock.settle();
    expect(source.acked).toEqual(['0', '1']);
    await pipeline.close();
  });

  it('leaves no sleeping timer behind after close', async () => {
    const world = createWorld({ rule: aRule({ holdDownMs: 10_000 }) });
    const source = sourceOf(storm(4));
    const pipeline = createPipeline(
      {},
      { ...world, lanes: [{ sensor: source, controller: world.controller }], log: silentLogger },
    );
    await world.clock.settle();
    await pipeline.close();
    world.controller.close();
    await world.clock.settle();
    expect(world.clock.pending).toBe(0);
  });
});
