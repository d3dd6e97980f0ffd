import type { Meter, MeterLabels } from '@lazarus/core/ports';

/** A meter that remembers what was measured. */
export interface RecordingMeter extends Meter {
  /** Sum of a counter over all label sets that contain `labels`. */
  counted(name: string, labels?: MeterLabels): number;
  /** Last value of a gauge with exactly these labels. */
  gauged(name: string, labels?: MeterLabels): number | undefined;
  /** All observations of a histogram whose labels contain `labels`, in order. */
  observed(name: string, labels?: MeterLabels): readonly number[];
}

interface Sample {
  readonly kind: keyof Meter;
  readonly name: string;
  readonly labels: MeterLabels;
  readonly value: number;
}

/** Creates a {@link RecordingMeter}. */
export function createRecordingMeter(): RecordingMeter {
  const samples: Sample[] = [];
  const matching = (kind: keyof Meter, name: string, labels: MeterLabels = {}): Sample[] =>
    samples.filter(
      (sample) => sample.kind === kind && sample.name === name && contains(sample.labels, labels),
    );
  return {
    count: (name, labels = {}, by = 1) => void samples.push({ kind: 'count', name, labels, value: by }),
    gauge: (name, labels, value) => void samples.push({ kind: 'gauge', name, labels, value }),
    observe: (name, labels, value) => void samples.push({ kind: 'observe', name, labels, value }),
    counted: (name, labels) => matching('count', name, labels).reduce((sum, sample) => sum + sample.value, 0),
    gauged: (name, labels = {}) =>
      matching('gauge', name, labels).findLast((sample) => contains(labels, sample.labels))?.value,
    observed: (name, labels) => matching('observe', name, labels).map((sample) => sample.value),
  };
}

function contains(labels: MeterLabels, part: MeterLabels): boolean {
  return Object.entries(part).every(([key, value]) => labels[key] === value);
}
