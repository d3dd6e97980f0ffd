import { shedMap } from '@lazarus/core/stream';
import fc from 'fast-check';
import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';

/** Work that ends when the test says so. */
function createWork() {
  const started: number[] = [];
  const open: { readonly value: number; readonly end: () => void }[] = [];
  let signal: AbortSignal | undefined;
  return {
    started,
    open,
    get signal() {
      return signal;
    },
    run: (value: number, given: AbortSignal) => {
      signal = given;
      started.push(value);
      return new Promise<number>((resolve) => open.push({ value, end: () => resolve(value) }));
    },
  };
}

const settled = async () => {
  for (let turn = 0; turn < 4; turn += 1) await Promise.resolve();
};

describe('shedMap', () => {
  it('works on, keeps and drops what a naive queue does, over random arrivals and ends', async () => {
    const steps = fc.array(fc.oneof(fc.constant('arrive' as const), fc.nat({ max: 5 })), { maxLength: 80 });
    const bounds = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 4 }));
    await fc.assert(
      fc.asyncProperty(steps, bounds, async (sequence, [maxInFlight, maxWaiting]) => {
        const work = createWork();
        const dropped: number[] = [];
        const done: number[] = [];
        const source$ = new Subject<number>();
        source$
          .pipe(shedMap({ maxInFlight, maxWaiting, onDropped: (value) => dropped.push(value) }, work.run))
          .subscribe((value) => done.push(value));
        const model = {
          running: [] as number[],
          queue: [] as number[],
          dropped: [] as number[],
          ended: [] as number[],
        };
        let arrived = 0;
        for (const step of sequence) {
          if (step === 'arrive') {
            if (model.running.length < maxInFlight) model.running.push(arrived);
            else if (model.queue.length < maxWaiting) model.queue.push(arrived);
            else model.dropped.push(arrived);
            source$.next(arrived);
            arrived += 1;
          } else if (model.running.length > 0) {
            const [value = -1] = model.running.splice(step % model.running.length, 1);
            model.ended.push(value);
            model.running.push(...model.queue.splice(0, 1));
            const at = work.open.findIndex((each) => each.value === value);
            work.open.splice(at, 1)[0]?.end();
            await settled();
          }
          expect(work.open.map(({ value }) => value).sort()).toEqual([...model.running].sort());
          expect({ dropped, done }).toEqual({ dropped: model.dropped, done: model.ended });
        }
        expect(work.started).toEqual([...work.started].sort((left, right) => left - right));
        expect(work.started.length + model.queue.length + dropped.length).toBe(arrived);
      }),
      { numRuns: 300 },
    );
  });

  it('completes when the source has and nothing is under way any more', async () => {
    const work = createWork();
    const source$ = new Subject<number>();
    let isComplete = false;
    source$.pipe(shedMap({ maxInFlight: 1, maxWaiting: 5, onDropped: () => undefined }, work.run)).subscribe({
      complete: () => {
        isComplete = true;
      },
    });
    source$.next(1);
    source$.next(2);
    source$.complete();
    work.open.shift()?.end();
    await settled();
    expect({ isComplete, started: work.started }).toEqual({ isComplete: false, started: [1, 2] });
    work.open.shift()?.end();
    await settled();
    expect(isComplete).toBe(true);
  });

  it('aborts the signal and starts nothing more when nobody is subscribed any more', async () => {
    const work = createWork();
    const source$ = new Subject<number>();
    const watching = source$
      .pipe(shedMap({ maxInFlight: 1, maxWaiting: 5, onDropped: () => undefined }, work.run))
      .subscribe();
    source$.next(1);
    source$.next(2);
    watching.unsubscribe();
    expect(work.signal?.aborted).toBe(true);
    work.open.shift()?.end();
    await settled();
    expect(work.started).toEqual([1]);
    expect(source$.observed).toBe(false);
  });

  it('ends with the error of its source, and with that of work that rejects', async () => {
    const errors: unknown[] = [];
    const source$ = new Subject<number>();
    const bounds = { maxInFlight: 1, maxWaiting: 1, onDropped: () => undefined };
    source$.pipe(shedMap(bounds, createWork().run)).subscribe({ error: (error) => errors.push(error) });
    source$
      .pipe(shedMap(bounds, async () => Promise.reject(new Error('work'))))
      .subscribe({ error: (error) => errors.push(error) });
    source$.next(1);
    await settled();
    source$.error(new Error('source'));
    expect(errors.map(String)).toEqual(['Error: work', 'Error: source']);
  });
});
