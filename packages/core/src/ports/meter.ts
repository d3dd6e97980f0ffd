/** Label values of one metric; bounded sets only (never a host, event or decision id). */
export type MeterLabels = Readonly<Record<string, string>>;

/** Metrics as a port; names follow Prometheus (`lazarus_events_received_total`). */
export interface Meter {
  /** Adds `by` (default 1) to a counter. */
  count(name: string, labels?: MeterLabels, by?: number): void;
  /** Sets a gauge. */
  gauge(name: string, labels: MeterLabels, value: number): void;
  /** Records one observation of a histogram, in the unit that the name ends with. */
  observe(name: string, labels: MeterLabels, value: number): void;
}
