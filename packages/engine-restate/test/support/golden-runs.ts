import type { ActionContext } from '@lazarus/dag';
import type { RestateEngine } from '../../src/index.ts';
import { transient } from './transient.ts';

/** A run whose journal is kept: together they make every call that a run can journal. */
export interface GoldenRun {
  readonly name: string;
  /** The document without its head. */
  readonly steps: string;
  /** What its actions do. */
  readonly doing?: (context: ActionContext) => Promise<unknown>;
  /** What happens to it while the named step waits. */
  readonly while?: {
    readonly step: string;
    readonly play: (engine: RestateEngine, runId: string) => Promise<void>;
  };
}

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const GOLDEN_RUNS: readonly GoldenRun[] = [
  {
    name: 'parallel',
    steps: `steps:
  a: { uses: desk.destroy@1 }
  b: { uses: desk.act@1, needs: [a] }
  c: { uses: desk.act@1, needs: [a] }
  d: { uses: desk.look@1, needs: [b, c] }
  never: { uses: desk.act@1, needs: [d], when: "\${{ false }}" }
finally:
  last: { uses: desk.act@1 }
`,
    doing: async ({ step }) => (step === 'b' ? later(200) : null),
  },
  {
    name: 'retry',
    steps:
      'steps: { a: { uses: desk.act@1, retry: { max_attempts: 3, backoff: { initial: 50ms, max: 100ms } } } }\n',
    doing: async ({ attempt }) => {
      if (attempt < 3) throw transient();
    },
  },
  {
    name: 'pauses',
    steps: `steps:
  rest: { wait: 200ms }
  ready: { uses: desk.look@1, needs: [rest], poll: { every: 100ms, until: "\${{ result.ready }}" }, timeout: 30s }
`,
    doing: async ({ attempt }) => ({ ready: attempt >= 3 }),
  },
  {
    name: 'approved',
    steps: `steps:
  before: { uses: desk.act@1 }
  approval: { signal: approve, timeout: 30s, needs: [before] }
  after: { uses: desk.act@1, needs: [approval] }
`,
    while: { step: 'approval', play: (engine, runId) => engine.signal(runId, 'approve', 'go on') },
  },
  {
    name: 'ignored',
    steps: 'steps: { approval: { signal: approve, timeout: 1s } }\n',
  },
  {
    name: 'canceled',
    steps: `steps:
  a: { uses: desk.act@1, compensate: { uses: desk.act@1 } }
  rest: { wait: 10h, needs: [a] }
`,
    while: { step: 'rest', play: (engine, runId) => engine.cancel(runId, 'a person took over') },
  },
  {
    name: 'late',
    steps:
      'steps: { a: { uses: desk.act@1, attempt_timeout: 1s, timeout: 20s, retry: { max_attempts: 2, backoff: { initial: 50ms, max: 100ms } } } }\n',
    doing: async ({ attempt, step, signal }) => {
      if (step !== 'a' || attempt > 1) return;
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    },
  },
];
