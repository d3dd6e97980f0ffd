import type { Scalar } from './value-test.ts';

/** Most texts that are compared one by one: for so few that is faster than to hash the value. */
const MAX_COMPARED = 8;

/** An immutable map from values, which chooses by its size how it looks texts up. */
export class ValueMap<V> {
  /** Few texts, to be compared; empty when there are many. */
  readonly texts: readonly string[];
  /** Number of keys. */
  readonly size: number;
  readonly #ofTexts: readonly V[];
  /** Many texts, and all that is no text. */
  readonly #hashed: ReadonlyMap<Scalar, V> | undefined;
  readonly #isTextHashed: boolean;

  constructor(map: ReadonlyMap<Scalar, V>) {
    const texts = [...map.keys()].filter((key) => typeof key === 'string');
    this.size = map.size;
    this.#isTextHashed = texts.length > MAX_COMPARED;
    this.texts = this.#isTextHashed ? [] : texts;
    this.#ofTexts = this.texts.map((text) => map.get(text) as V);
    this.#hashed = this.texts.length === map.size ? undefined : map;
  }

  /** The value of a key. */
  get(key: Scalar): V | undefined {
    if (typeof key !== 'string' || this.#isTextHashed) return this.#hashed?.get(key);
    const texts = this.texts;
    for (let at = 0; at < texts.length; at += 1) if (texts[at] === key) return this.#ofTexts[at];
    return undefined;
  }
}
