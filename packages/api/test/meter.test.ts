import { describe, expect, it } from 'vitest';
import { createMeter } from '../src/index.ts';

describe('the meter', () => {
  it('counts, sets and observes, with a sentence about each metric', async () => {
    const meter = createMeter();
    meter.count('lazarus_events_decided_total', { rule: 'r', outcome: 'escalate' });
    meter.count('lazarus_events_decided_total', { rule: 'r', outcome: 'escalate' }, 2);
    meter.gauge('lazarus_breaker_state', { scope: 'us-east-1' }, 1);
    meter.observe('lazarus_decision_duration_seconds', { outcome: 'escalate' }, 12);
    const text = await meter.render();
    expect(text).toContain('# HELP lazarus_events_decided_total Events that reached their terminal record');
    expect(text).toContain('lazarus_events_decided_total{rule="r",outcome="escalate"} 3');
    expect(text).toContain('lazarus_breaker_state{scope="us-east-1"} 1');
    expect(text).toContain('lazarus_decision_duration_seconds_bucket{le="20",outcome="escalate"} 1');
    expect(text).toContain('lazarus_decision_duration_seconds_bucket{le="10",outcome="escalate"} 0');
  });

  it('fits labels to those of the first measurement', async () => {
    const meter = createMeter();
    meter.count('a_total', { x: '1', y: '2' });
    meter.count('a_total', { y: '2', z: '3' });
    expect(await meter.render()).toContain('a_total{x="",y="2"} 1');
  });

  it('keeps 1000 label sets of a metric and counts what is dropped', async () => {
    const meter = createMeter();
    for (let index = 0; index < 1_003; index += 1) meter.count('a_total', { x: String(index) });
    meter.count('a_total', { x: '0' });
    const text = await meter.render();
    expect(text).toContain('lazarus_metrics_dropped_total{metric="a_total"} 3');
    expect(text).toContain('a_total{x="0"} 2');
    expect(text).not.toContain('a_total{x="1000"}');
  });

  it.each([
    ['a negative count', (meter: ReturnType<typeof createMeter>) => meter.count('a_total', {}, -1)],
    [
      'another kind',
      (meter: ReturnType<typeof createMeter>) => {
        meter.gauge('a_total', {}, 1);
        meter.count('a_total');
      },
    ],
    ['a name that is none', (meter: ReturnType<typeof createMeter>) => meter.count('no name')],
    [
      'a value that is no number',
      (meter: ReturnType<typeof createMeter>) => meter.observe('a_seconds', {}, 'x' as never),
    ],
  ])('never throws: %s is counted as dropped', async (_name, measure) => {
    const meter = createMeter();
    expect(() => measure(meter)).not.toThrow();
    expect(await meter.render()).toMatch(/lazarus_metrics_dropped_total\{metric=".+"\} 1/);
  });
});
