import type { Delivery, Sensor } from '@lazarus/core/ports';
import { outcomeOf } from './outcome.ts';
import type { ContractRunner } from './runner.ts';

/** What a sensor provides to be examined. */
export interface SensorHarness {
  readonly sensor: Sensor;
  /** Puts records into the source, in this order; each is JSON. */
  put(...payloads: readonly unknown[]): Promise<void>;
  /** Lets time pass until what was given back is handed out again. @defaultValue nothing: it is at once */
  elapse?(): Promise<void>;
  close(): Promise<void>;
}

const { signal } = new AbortController();

/** What every `Sensor` promises to the pipeline (S11, L5): nothing is lost, nothing is pushed, a pull can be ended. */
export function describeSensorContract(
  runner: ContractRunner,
  options: { readonly name: string; readonly create: () => Promise<SensorHarness> },
): void {
  const { describe, expect } = runner;
  const it = (title: string, body: (harness: SensorHarness) => Promise<void>): void =>
    runner.it(title, async () => {
      const harness = await options.create();
      try {
        await body(harness);
      } finally {
        await harness.close();
      }
    });
  const pull = async (sensor: Sensor, count: number, max = 10): Promise<readonly Delivery[]> => {
    const all: Delivery[] = [];
    while (all.length < count) {
      const batch = await sensor.pull({ max, signal });
      if (batch.length === 0) break;
      all.push(...batch);
    }
    return all;
  };
  const numbers = (deliveries: readonly Delivery[]): readonly unknown[] =>
    deliveries.map(({ payload }) => (payload as { readonly number?: unknown }).number);

  describe(`sensor contract: ${options.name}`, () => {
    it('waits for a record, and hands it out with a position of its own', async ({ sensor, put }) => {
      const pulling = pull(sensor, 2);
      await put({ number: 1 }, { number: 2 });
      const deliveries = await pulling;
      expect([...numbers(deliveries)].sort()).toEqual([1, 2]);
      expect(new Set(deliveries.map(({ position }) => position)).size).toBe(2);
    });

    it('hands out at most as many as were asked for', async ({ sensor, put }) => {
      await put({ number: 1 }, { number: 2 }, { number: 3 });
      const batch = await sensor.pull({ max: 2, signal });
      expect(batch.length).toBeGreaterThan(0);
      expect(batch.length).toBeLessThanOrEqual(2);
    });

    it('does not hand out again what was acknowledged, and acknowledging twice is no error', async ({
      sensor,
      put,
    }) => {
      await put({ number: 1 });
      const [first] = await pull(sensor, 1);
      await first?.ack();
      await first?.ack();
      await put({ number: 2 });
      expect(numbers(await pull(sensor, 1))).toEqual([2]);
    });

    it('hands out again what was given back (S11), and giving back after an acknowledgement does nothing', async ({
      sensor,
      put,
      elapse,
    }) => {
      await put({ number: 1 });
      const [first] = await pull(sensor, 1);
      await first?.nack('not now');
      await first?.nack('not now');
      await elapse?.();
      const [again] = await pull(sensor, 1);
      expect((again?.payload as { readonly number?: unknown }).number).toBe(1);
      await again?.ack();
      await again?.nack('too late');
      await elapse?.();
      await put({ number: 2 });
      expect(numbers(await pull(sensor, 1))).toEqual([2]);
    });

    it('hands out what is no event as it came: decoding is the first gate', async ({ sensor, put }) => {
      await put({ nonsense: ['ü', null, 1.5] });
      const [delivery] = await pull(sensor, 1);
      expect(delivery?.payload).toEqual({ nonsense: ['ü', null, 1.5] });
    });

    it('ends a pull with the reason of its signal, and loses nothing by it', async ({ sensor, put }) => {
      const stop = new AbortController();
      const pulling = outcomeOf(sensor.pull({ max: 1, signal: stop.signal }));
      const reason = new Error('shutting down');
      stop.abort(reason);
      expect(await pulling).toBe(reason);
      await put({ number: 1 });
      expect(numbers(await pull(sensor, 1))).toEqual([1]);
    });

    it('ends with an empty batch when it is closed, and what was handed out can still be acknowledged', async ({
      sensor,
      put,
    }) => {
      await put({ number: 1 });
      const [delivery] = await pull(sensor, 1);
      await sensor.close();
      await delivery?.ack();
      expect(await sensor.pull({ max: 1, signal })).toEqual([]);
    });
  });
}
