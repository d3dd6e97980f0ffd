import { invalidParameter, missingParameter } from './api-error.ts';

/**
 * The parameters of an AWS Query request: names with dots and numbers that stand for lists and structures.
 *
 * EC2 writes lists flat (`InstanceId.1`), ELBv2 under `member` (`Targets.member.1.Id`); the reader names the path.
 */
export class QueryParameters {
  readonly #values: ReadonlyMap<string, string>;

  constructor(values: ReadonlyMap<string, string>) {
    this.#values = values;
  }

  static parse(body: string): QueryParameters {
    return new QueryParameters(new Map(new URLSearchParams(body)));
  }

  text(name: string): string | undefined {
    return this.#values.get(name);
  }

  /** @throws ApiError `MissingParameter` */
  required(name: string): string {
    const value = this.#values.get(name);
    if (value === undefined || value === '') throw missingParameter(name);
    return value;
  }

  /** @throws ApiError `InvalidParameterValue` when the value is no whole number. */
  integer(name: string): number | undefined {
    const value = this.#values.get(name);
    if (value === undefined) return undefined;
    if (!/^\d{1,9}$/.test(value))
      throw invalidParameter(`Value (${value}) for parameter ${name} is invalid. It must be a number.`);
    return Number(value);
  }

  flag(name: string): boolean {
    return this.#values.get(name) === 'true';
  }

  /** Texts of the list at `path`, in the order of their numbers. */
  list(path: string): string[] {
    return this.#numbers(path).flatMap((number) => this.#values.get(`${path}.${number}`) ?? []);
  }

  /** Structures of the list at `path`, each with names relative to itself. */
  structures(path: string): QueryParameters[] {
    return this.#numbers(path).map((number) => this.under(`${path}.${number}`));
  }

  /** The structure at `path`. */
  under(path: string): QueryParameters {
    const prefix = `${path}.`;
    const inside = [...this.#values].filter(([name]) => name.startsWith(prefix));
    return new QueryParameters(new Map(inside.map(([name, value]) => [name.slice(prefix.length), value])));
  }

  get isEmpty(): boolean {
    return this.#values.size === 0;
  }

  /** Every parameter but the ones named, sorted: equal texts are equal requests. */
  fingerprint(except: readonly string[]): string {
    const kept = [...this.#values].filter(([name]) => !except.includes(name));
    return JSON.stringify(kept.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  }

  toRecord(): Record<string, string> {
    return Object.fromEntries(this.#values);
  }

  #numbers(path: string): number[] {
    const prefix = `${path}.`;
    const numbers = new Set<number>();
    for (const name of this.#values.keys()) {
      const number = name.startsWith(prefix) ? Number(name.slice(prefix.length).split('.')[0]) : Number.NaN;
      if (Number.isInteger(number)) numbers.add(number);
    }
    return [...numbers].sort((a, b) => a - b);
  }
}
