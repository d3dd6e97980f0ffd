import { describe, expect, it } from 'vitest';
import { RUN_SERVICE } from '../src/endpoint/run-service.ts';
import type { RecordedEntry } from '../src/durable/journal-context.ts';
import { callsOf, readGolden, replay, verdictOf } from './support/golden-journal.ts';
import { GOLDEN_RUNS } from './support/golden-runs.ts';

/** The same journal with two neighboring calls in the other order. */
function swapped(entries: readonly RecordedEntry[], at: number): readonly RecordedEntry[] {
  const commands = entries.flatMap((entry, index) => (entry.kind === 'command' ? [index] : []));
  const [left, right] = commands.slice(at, at + 2);
  const [first, second] = [entries[left ?? -1], entries[right ?? -1]];
  if (first === undefined || second === undefined) throw new Error('nothing to swap');
  return entries.map((entry) => (entry === first ? second : entry === second ? first : entry));
}

describe('a journal that was recorded before (S12)', () => {
  for (const { name } of GOLDEN_RUNS) {
    it(`is repeated by the code of today, call by call to the same end: ${name}`, async () => {
      const golden = readGolden(name);
      expect(golden.service).toBe(RUN_SERVICE);
      expect(await verdictOf(golden)).toBe('repeats itself');
    });

    it(`is repeated from wherever it was cut off: ${name}`, async () => {
      const { run, entries } = readGolden(name);
      const calls = callsOf(entries);
      for (let length = 0; length < entries.length; length += 1) {
        const part = await replay({ run, entries: entries.slice(0, length) });
        expect(part.calls).toEqual(calls.slice(0, part.calls.length));
      }
    });

    it(`says what to do when two calls are in another order: ${name}`, async () => {
      const golden = readGolden(name);
      const calls = callsOf(golden.entries);
      for (let at = 0; at + 1 < calls.length; at += 1) {
        if (calls[at] === calls[at + 1]) continue;
        const verdict = await verdictOf({ ...golden, entries: swapped(golden.entries, at) });
        expect(verdict).toContain(`journaled call ${at + 1} of golden.${name} was "${calls[at + 1]}"`);
        expect(verdict).toContain('raise INTERPRETER');
      }
    });
  }

  it('holds every call that a run can journal', () => {
    const kinds = new Set(
      GOLDEN_RUNS.flatMap(({ name }) =>
        callsOf(readGolden(name).entries).map((call) => call.replace(/[#~].*/, '#')),
      ),
    );
    for (const call of [
      'run $now',
      'run $random',
      'run a#',
      'sleep $timer',
      'promise approve#',
      'peek $cancel#',
    ])
      expect([...kinds]).toContain(call);
  });
});
