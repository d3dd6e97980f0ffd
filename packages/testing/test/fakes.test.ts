import type { Delivery } from '@lazarus/core/ports';
import {
  anEvent,
  createFakePager,
  createFakeStream,
  createManualClock,
  createRecorder,
  createRecordingMeter,
  createSeededRandom,
  createSequentialIds,
} from '@lazarus/testing';
import { describe, expect, it } from 'vitest';

describe('fake pager', () => {
  it('escalates a page by itself 60 s after it was opened, and gives it to a person', async () => {
    const clock = createManualClock();
    const pager = createFakePager({ clock });
    pager.open('web/web1');
    await clock.advance(59_999);
    expect(pager.pageOf('web/web1')).toMatchObject({ escalationLevel: 1, takenByHuman: false });
    await clock.advance(1);
    expect(pager.pageOf('web/web1')).toMatchObject({
      escalationLevel: 2,
      takenByHuman: true,
      status: 'triggered',
    });
    expect(await pager.acknowledge({ incidentKey: 'web/web1' })).toMatchObject({
      done: false,
      reason: 'taken_by_human',
    });
  });

  it('triggers an acknowledged page again after 30 min, and an acknowledgement renews that time', async () => {
    const clock = createManualClock();
    const pager = createFakePager({ clock });
    pager.open('k');
    expect(await pager.acknowledge({ incidentKey: 'k' })).toMatchObject({ done: true, changed: true });
    await clock.advance(1_000_000);
    expect(await pager.acknowledge({ incidentKey: 'k' })).toMatchObject({ done: true, changed: false });
    await clock.advance(1_799_999);
    expect(pager.pageOf('k')?.status).toBe('acknowledged');
    await clock.advance(1);
    expect(pager.pageOf('k')?.status).toBe('triggered');
  });
});

describe('fake stream', () => {
  const signal = new AbortController().signal;

  it('waits for a record and hands out at most what was asked for', async () => {
    const stream = createFakeStream({ clock: createManualClock() });
    const pulled = stream.pull({ max: 2, signal });
    await stream.deposit(anEvent());
    expect(await pulled).toHaveLength(1);
    for (const id of ['2', '3', '4']) stream.push({ id });
    expect((await stream.pull({ max: 2, signal })).map((delivery) => delivery.position)).toEqual([
      'shard-0/2',
      'shard-0/3',
    ]);
    expect(stream.unsettled).toBe(4);
  });

  it('hands a record out again, first, when it is given back, and keeps the first answer to each delivery', async () => {
    const stream = createFakeStream({ clock: createManualClock() });
    stream.push('one');
    stream.push('two');
    const [first] = (await stream.pull({ max: 1, signal })) as [Delivery];
    await first.nack('busy');
    await first.ack();
    const [again] = (await stream.pull({ max: 1, signal })) as [Delivery];
    expect(again).toMatchObject({ payload: 'one', redeliveries: 1 });
    await again.ack();
    await again.nack('too late');
    expect(stream.acked).toEqual(['shard-0/1']);
    expect(stream.unsettled).toBe(1);
  });
});

describe('recorder', () => {
  it('keeps the conversation over several ports in one table, with outcomes', async () => {
    const pager = createFakePager({ clock: createManualClock() });
    pager.open('k');
    const recorder = createRecorder(pager, { name: 'pager' });
    await recorder.port.acknowledge({ incidentKey: 'k' });
    pager.fail('down');
    await expect(recorder.port.find({ incidentKey: 'k' })).rejects.toThrow('down');
    expect(recorder.names()).toEqual(['pager.acknowledge', 'pager.find']);
    expect(recorder.calls.map((call) => call.outcome)).toEqual(['returned', 'threw']);
    expect(recorder.calls[0]?.args).toEqual([{ incidentKey: 'k' }]);
  });
});

describe('chance', () => {
  it('repeats for the same seed and differs for another one', () => {
    const draw = (seed: number): number[] => {
      const random = createSeededRandom(seed);
      return Array.from({ length: 20 }, () => random.next());
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(draw(3).every((value) => value >= 0 && value < 1)).toBe(true);
  });

  it('gives each fork a stream that draws elsewhere do not shift', () => {
    const plain = createSeededRandom(9);
    const drawn = createSeededRandom(9);
    drawn.next();
    expect(drawn.fork('network').next()).toBe(plain.fork('network').next());
    expect(plain.fork('network').next()).not.toBe(plain.fork('disk').next());
  });

  it('spreads 10 000 numbers below 10 to within 15 % of evenly', () => {
    const random = createSeededRandom(4);
    const counts = new Array<number>(10).fill(0);
    for (let draw = 0; draw < 10_000; draw += 1) counts[random.int(10)]! += 1;
    expect(Math.min(...counts)).toBeGreaterThan(850);
    expect(Math.max(...counts)).toBeLessThan(1_150);
  });

  it('counts ids per prefix', () => {
    const ids = createSequentialIds();
    expect([ids.next('evt'), ids.next('evt'), ids.next()]).toEqual(['evt-1', 'evt-2', 'id-1']);
  });
});

describe('recording meter', () => {
  it('sums a counter over the label sets that contain the labels asked for', () => {
    const meter = createRecordingMeter();
    meter.count('events_total', { region: 'r1', kind: 'a' });
    meter.count('events_total', { region: 'r1', kind: 'b' }, 2);
    meter.count('events_total', { region: 'r2', kind: 'a' }, 5);
    meter.gauge('open', { region: 'r1' }, 1);
    meter.gauge('open', { region: 'r1' }, 0);
    expect(meter.counted('events_total', { region: 'r1' })).toBe(3);
    expect(meter.gauged('open', { region: 'r1' })).toBe(0);
  });
});
