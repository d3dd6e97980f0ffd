/**
 * How long 1 000 runbook tests take, read from YAML as `lazarus test` reads them: tests of a workflow alone (the shipped
 * replacement of a host, with a slow launch, a second look and a failure in turn), and tests of rules in a lab of three
 * nodes (votes, prechecks by node, a crash). The target is 10 s for the first kind.
 *
 * Run with `npm run bench:runbook-tests`. The last line is JSON.
 */
import { builtinActions, createActionRegistry, loadShippedWorkflows } from '@lazarus/dag';
import { compileLabConfig, labDocuments, runRunbookTests } from '@lazarus/testing/lab';

const TESTS = 1_000;
const TARGET_MS = 10_000;

const workflows = loadShippedWorkflows(createActionRegistry(builtinActions));
const config = compileLabConfig(
  labDocuments({ services: '{ service: web, team: shop, profile: stateless }' }),
);

const KINDS = {
  workflow: {
    head: 'workflow: default.replace_host',
    tests: [
      '{ name: slow launch, given: { actions: { clone: { output: { host_id: i-2, zone: a }, takes: 40s } } }, then: { outcome: succeeded, within: 2m } }',
      '{ name: second look, given: { actions: { verify: [{ output: { ok: false, status: unhealthy, consecutive: 0, detail: "" } }, { output: { ok: true, status: healthy, consecutive: 3, detail: "" } }] } }, then: { outcome: succeeded, calls: { verify: 2 } } }',
      '{ name: refusal, given: { actions: { verify: { error: { message: no, retryable: false } } } }, then: { outcome: failed, page: escalated, steps: { clone: compensated } } }',
    ],
  },
  rules: {
    head: 'rules: [web.yaml]',
    tests: [
      '{ name: replaced, when: [{ event: { type: HealthcheckDown, host: web-1 } }], then: { outcome: remediated, votes: 3/3 } }',
      '{ name: dissent, given: { prechecks: { PeerCheck: { a: fail, b: fail } } }, when: [{ event: { type: HealthcheckDown, host: web-1 } }], then: { blocked_by: PeerCheck, calls: {} } }',
      '{ name: crash, when: [{ event: { type: HealthcheckDown, host: web-1 }, node: c }, { at: 5s, crash: c }], then: { outcome: remediated, votes: 2/3 } }',
    ],
  },
};

async function measure({ head, tests }) {
  const lines = Array.from({ length: TESTS }, (_, index) => `  - ${tests[index % tests.length]}`);
  const files = [];
  for (let at = 0; at < lines.length; at += 100)
    files.push(`${head}\ntests:\n${lines.slice(at, at + 100).join('\n')}\n`);
  const startedMs = performance.now();
  let failed = 0;
  for (const text of files) {
    const results = await runRunbookTests(text, {
      file: 'bench.test.yaml',
      workflow: (name) => workflows.find((workflow) => workflow.name === name),
      rules: async () => config,
    });
    failed += results.filter(({ passed }) => !passed).length;
  }
  return { ms: Math.round(performance.now() - startedMs), failed };
}

const report = {};
for (const [kind, suite] of Object.entries(KINDS)) {
  report[kind] = await measure(suite);
  const { ms, failed } = report[kind];
  console.log(
    `${TESTS} tests of ${kind.padEnd(8)}  ${(ms / 1000).toFixed(1)} s  ${(ms / TESTS).toFixed(1)} ms each  ${failed} failed`,
  );
}
console.log(
  JSON.stringify({ tests: TESTS, target_ms: TARGET_MS, ...report, ok: report.workflow.ms < TARGET_MS }),
);
const isGood = report.workflow.ms < TARGET_MS && Object.values(report).every(({ failed }) => failed === 0);
process.exitCode = isGood ? 0 : 1;
