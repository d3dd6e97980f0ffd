import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createShardWindow } from '../src/shards/shard-window.ts';

const record = (n: number) => ({ sequence: String(n), data: new Uint8Array(), arrivedAtMs: n });

type Command =
  | { readonly do: 'add'; readonly count: number }
  | { readonly do: 'take'; readonly count: number }
  | { readonly do: 'finish' | 'giveBack'; readonly at: number };

const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ do: fc.constant('add' as const), count: fc.nat(5) }),
  fc.record({ do: fc.constant('take' as const), count: fc.nat(5) }),
  fc.record({ do: fc.constantFrom('finish' as const, 'giveBack' as const), at: fc.nat(30) }),
);

describe('window of a shard', () => {
  it('S11: the checkpoint is the end of the longest run of finished records, whatever the order of finishing', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const window = createShardWindow();
        const finished: boolean[] = [];
        const out = new Set<string>();
        for (const next of commands) {
          if (next.do === 'add') {
            const start = finished.length;
            window.add(Array.from({ length: next.count }, (_, n) => record(start + n)));
            for (let n = 0; n < next.count; n += 1) finished.push(false);
          } else if (next.do === 'take') {
            for (const entry of window.take(next.count, 0)) {
              expect(out.has(entry.sequence), 'a record is out once at a time').toBe(false);
              out.add(entry.sequence);
            }
          } else {
            const sequence = [...out][next.at % Math.max(1, out.size)];
            if (sequence === undefined) continue;
            out.delete(sequence);
            if (next.do === 'giveBack') window.giveBack(sequence, 0);
            else {
              window.finish(sequence);
              finished[Number(sequence)] = true;
            }
          }
          const run = finished.indexOf(false);
          const last = run < 0 ? finished.length - 1 : run - 1;
          expect(window.checkpoint).toBe(last < 0 ? undefined : String(last));
          expect(window.unfinished).toBe(finished.filter((isDone) => !isDone).length);
          expect(window.handedOut).toBe(out.size);
        }
      }),
    );
  });

  it('a record that was given back is handed out again when it is due, before younger ones', () => {
    const window = createShardWindow();
    window.add([record(1), record(2)]);
    expect(window.take(1, 0).map((entry) => entry.sequence)).toEqual(['1']);
    expect(window.giveBack('1', 100)).toBe(1);
    expect(window.take(1, 99).map((entry) => entry.sequence)).toEqual(['2']);
    expect(window.take(1, 100)).toMatchObject([{ sequence: '1', nacks: 1 }]);
  });

  it('finishing twice changes nothing', () => {
    const window = createShardWindow();
    window.add([record(1)]);
    window.take(1, 0);
    expect(window.finish('1')).toBe(true);
    expect(window.finish('1')).toBe(false);
    expect(window.giveBack('1', 0)).toBe(0);
    expect(window).toMatchObject({ unfinished: 0, handedOut: 0, checkpoint: '1' });
  });
});
