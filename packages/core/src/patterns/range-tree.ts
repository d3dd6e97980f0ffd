import { inRange } from './value-test.ts';
import type { NumericRange } from './value-test.ts';

/**
 * Finds the ranges that hold a number: ranges sorted by their low end, as a balanced tree that knows the highest high end
 * below each node. A look-up takes the logarithm of the number of ranges, plus the ranges found.
 */
export class RangeTree<T> {
  readonly #ranges: readonly NumericRange[];
  readonly #values: readonly T[];
  readonly #highest: Float64Array;

  constructor(entries: readonly (readonly [NumericRange, T])[]) {
    const sorted = [...entries].sort(([left], [right]) =>
      left.low < right.low ? -1 : left.low > right.low ? 1 : 0,
    );
    this.#ranges = sorted.map(([range]) => range);
    this.#values = sorted.map(([, value]) => value);
    this.#highest = new Float64Array(sorted.length);
    this.#measure(0, sorted.length - 1);
  }

  #measure(from: number, to: number): number {
    if (from > to) return -Infinity;
    const middle = (from + to) >> 1;
    const own = this.#ranges[middle]?.high ?? -Infinity;
    const highest = Math.max(own, this.#measure(from, middle - 1), this.#measure(middle + 1, to));
    this.#highest[middle] = highest;
    return highest;
  }

  /** Adds the value of every range that holds the number to `found`. */
  find(number: number, found: T[]): void {
    this.#find(number, found, 0, this.#ranges.length - 1);
  }

  #find(number: number, found: T[], from: number, to: number): void {
    if (from > to) return;
    const middle = (from + to) >> 1;
    if ((this.#highest[middle] ?? -Infinity) < number) return;
    this.#find(number, found, from, middle - 1);
    const range = this.#ranges[middle];
    if (range === undefined || range.low > number) return;
    if (inRange(number, range)) found.push(this.#values[middle] as T);
    this.#find(number, found, middle + 1, to);
  }
}
