import type { Meter, MeterLabels } from '@lazarus/core/ports';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { MetricsSource } from '../endpoints/metrics.ts';
import { bucketsOf, describeMetric } from './metric-names.ts';

/** A meter that can be scraped. */
export interface PrometheusMeter extends Meter, MetricsSource {
  /** For metrics of others, for example those of the process. */
  readonly registry: Registry;
}

/** Most label sets of one metric: what comes after is counted as dropped, so that memory stays bounded. */
const MAX_SERIES = 1_000;
const DROPPED = 'lazarus_metrics_dropped_total';

interface Series<M> {
  readonly metric: M;
  readonly labelNames: readonly string[];
  readonly seen: Set<string>;
}

/**
 * Creates the meter of a node. Measuring never throws and never grows without bound: a metric that comes with another
 * kind, an unusable value or its 1 001st label set is counted in `lazarus_metrics_dropped_total` instead.
 *
 * @example
 * ```ts
 * const meter = createMeter();
 * meter.count('lazarus_events_received_total', { source: 'nagios' });
 * const text = await meter.render();
 * ```
 */
export function createMeter(): PrometheusMeter {
  const registry = new Registry();
  const dropped = new Counter({
    name: DROPPED,
    help: describeMetric(DROPPED),
    labelNames: ['metric'],
    registers: [registry],
  });
  const counters = family(
    (name, labelNames) =>
      new Counter({ name, help: describeMetric(name), labelNames, registers: [registry] }),
  );
  const gauges = family(
    (name, labelNames) => new Gauge({ name, help: describeMetric(name), labelNames, registers: [registry] }),
  );
  const histograms = family(
    (name, labelNames) =>
      new Histogram({
        name,
        help: describeMetric(name),
        labelNames,
        buckets: bucketsOf(name),
        registers: [registry],
      }),
  );

  function measure<M>(
    find: Family<M>,
    name: string,
    labels: MeterLabels,
    record: (metric: M, labels: Record<string, string>) => void,
  ): void {
    try {
      const series = find(name, labels);
      const fitted = fitLabels(series, labels);
      if (fitted === undefined) dropped.inc({ metric: name });
      else record(series.metric, fitted);
    } catch {
      // A wrong name, kind or value is a bug of whoever measures; it must not end a decision.
      dropped.inc({ metric: name });
    }
  }

  return {
    registry,
    contentType: registry.contentType,
    render: () => registry.metrics(),
    count: (name, labels = {}, by = 1) =>
      measure(counters, name, labels, (metric, fitted) => metric.inc(fitted, by)),
    gauge: (name, labels, value) =>
      measure(gauges, name, labels, (metric, fitted) => metric.set(fitted, value)),
    observe: (name, labels, value) =>
      measure(histograms, name, labels, (metric, fitted) => metric.observe(fitted, value)),
  };
}

type Family<M> = (name: string, labels: MeterLabels) => Series<M>;

/** Metrics of one kind, each created when it is first measured, with the labels it then has. */
function family<M>(create: (name: string, labelNames: string[]) => M): Family<M> {
  const byName = new Map<string, Series<M>>();
  return (name, labels) => {
    const known = byName.get(name);
    if (known !== undefined) return known;
    const labelNames = Object.keys(labels);
    const series: Series<M> = { metric: create(name, labelNames), labelNames, seen: new Set() };
    byName.set(name, series);
    return series;
  };
}

/** The labels as the metric knows them; `undefined` when there are too many series already. */
function fitLabels<M>(
  { labelNames, seen }: Series<M>,
  labels: MeterLabels,
): Record<string, string> | undefined {
  const fitted = Object.fromEntries(labelNames.map((name) => [name, labels[name] ?? '']));
  const key = JSON.stringify(Object.values(fitted));
  if (!seen.has(key) && seen.size >= MAX_SERIES) return undefined;
  seen.add(key);
  return fitted;
}
