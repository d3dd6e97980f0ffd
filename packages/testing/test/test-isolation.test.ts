import { compileLabConfig, labDocuments, runRunbookTests } from '@lazarus/testing/lab';
import { describe, expect, it } from 'vitest';

const config = compileLabConfig(
  labDocuments({ services: '{ service: web, team: shop, profile: stateless }' }),
);
const DOWN = '{ event: { type: HealthcheckDown, host: web-1 } }';

/** Each leaves behind what it can: a pause, a sick fleet, dead nodes, spent budgets, mocks, locks, windows, a taken page. */
const TESTS: Readonly<Record<string, string>> = {
  plain: `when: [${DOWN}], then: { outcome: remediated }`,
  paused: `when: [{ pause: { reason: flood } }, { at: 1s, event: { type: HealthcheckDown, host: web-1 } }], then: { blocked_by: paused }`,
  dissent: `given: { prechecks: { PeerCheck: fail } }, when: [${DOWN}], then: { blocked_by: PeerCheck }`,
  mocked: `given: { actions: { host.clone: { error: { message: no, retryable: false } } } }, when: [${DOWN}], then: { run: failed }`,
  fleet: `given: { hosts: [{ name: web-1, tags: { a: b } }] }, when: [${DOWN}], then: { outcome: escalated }`,
  dead: `when: [${DOWN}, { at: 1s, crash: a }, { at: 1s, crash: b }, { at: 1s, crash: c }], then: { outcome: undecided }`,
  cut: `when: [{ partition: [[a], [b], [c]] }, { at: 1s, event: { type: HealthcheckDown, host: web-1 } }], then: { outcome: escalated }`,
  slow: `when: [{ delay: { from: a, to: b, by: 20s } }, { delay: { from: b, to: a, by: 20s } }, ${DOWN}], then: { outcome: remediated }`,
  taken: `when: [${DOWN}, { at: 12s, page_taken: web/web-1 }], then: { page: escalated }`,
  locked: `when: [${DOWN}, { at: 20s, lose_lock: { service: web, host: i-web-1 } }], then: { run: canceled }`,
  storm: `when: [${[1, 2, 3, 4, 5].map((host) => `{ event: { type: HealthcheckDown, host: web-peer-${host} } }`).join(', ')}, ${DOWN}], then: { outcome: escalated }`,
  later: `given: { start_at: '2026-03-01T00:00:00Z', seed: 9 }, when: [${DOWN}], then: { outcome: remediated }`,
  well: `when: [{ health: { web-1: healthy } }, ${DOWN}], then: { blocked_by: HealthCheckDown }`,
};

/** What each test saw, by its name. */
async function storiesOf(names: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const lines = names.map((name) => `  - { name: ${name}, ${TESTS[name] ?? ''} }`);
  const results = await runRunbookTests(`rules: [web.yaml]\ntests:\n${lines.join('\n')}\n`, {
    file: 'web.test.yaml',
    workflow: () => undefined,
    rules: async () => config,
  });
  return Object.fromEntries(
    results.map(({ name, trace, runs, rules, failures }) => [
      name,
      JSON.stringify({ trace, runs, rules, failures: failures.map(({ actual }) => actual) }),
    ]),
  );
}

describe('tests of one file', () => {
  it('see nothing of each other: 13 of them tell the same stories alone, in order, backwards and at once', async () => {
    const names = Object.keys(TESTS);
    const alone: Record<string, string> = {};
    for (const name of names) Object.assign(alone, await storiesOf([name]));
    expect(await storiesOf(names)).toEqual(alone);
    expect(await storiesOf(names.toReversed())).toEqual(alone);
    const [first, second] = await Promise.all([storiesOf(names), storiesOf(names)]);
    expect([first, second]).toEqual([alone, alone]);
    expect(new Set(Object.values(alone)).size).toBe(names.length);
  });
});
