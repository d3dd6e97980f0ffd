/** Seven steps with a parallel pair, a pause, steps that can be asked about, one that is undone, and an escalation. */
export const STORM_WORKFLOW = `apiVersion: lazarus.dev/v1
kind: Workflow
metadata: { name: test.storm, version: 1 }
steps:
  a: { uses: storm.act@1 }
  b: { uses: storm.checked@1, needs: [a], compensate: { uses: storm.act@1 } }
  c: { uses: storm.act@1, needs: [a] }
  d: { uses: storm.act@1, needs: [b, c] }
  pause: { wait: 200ms, needs: [d] }
  e: { uses: storm.checked@1, needs: [pause] }
  f: { uses: storm.act@1, needs: [e] }
  g: { uses: storm.act@1, needs: [f] }
`;

/** What must be durable before the effect of a step. */
export const STORM_NEEDS: Readonly<Record<string, readonly string[]>> = {
  a: [],
  b: ['a'],
  c: ['a'],
  d: ['b', 'c'],
  e: ['d'],
  f: ['e'],
  g: ['f'],
  'compensate.b': ['f'],
  'on_error.escalate': ['f'],
};

/** Every fifth run fails at its sixth step, is undone, and escalates. */
export function willFail(runId: string): boolean {
  return Number(runId.split('-').at(-1)) % 5 === 0;
}
