import { describe, expect, it } from 'vitest';
import { orElse, whenAnswered } from '../../src/time/answered.ts';

const later = <T>(value: T): Promise<T> => Promise.resolve(value);
/** A promise of another library, as a program without types may pass it. */
const foreign = (value: unknown): Promise<unknown> =>
  ({ then: (resolve: (value: unknown) => void) => resolve(value) }) as unknown as Promise<unknown>;

describe('an answer', () => {
  it('is gone on with in the same turn when it is there, and in a later one otherwise', async () => {
    expect(whenAnswered(7, (value) => value + 1)).toBe(8);
    const waiting = whenAnswered(later(7), (value) => value + 1);
    expect(waiting).toBeInstanceOf(Promise);
    expect(await waiting).toBe(8);
    expect(await whenAnswered(foreign(7), (value) => [value])).toEqual([7]);
  });

  it('is replaced when asking throws, when it rejects, and when going on with it fails', async () => {
    const fail = (): never => {
      throw new Error('away');
    };
    const replaced = (error: unknown): string => `replaced: ${String(error)}`;
    expect(orElse(fail, replaced)).toBe('replaced: Error: away');
    expect(await orElse(async () => fail(), replaced)).toBe('replaced: Error: away');
    expect(orElse(() => whenAnswered('there', fail), replaced)).toBe('replaced: Error: away');
    expect(await orElse(() => whenAnswered(later('later'), fail), replaced)).toBe('replaced: Error: away');
    expect(orElse(() => 'there', replaced)).toBe('there');
  });
});
