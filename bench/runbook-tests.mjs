/**
 * How long 1 000 runbook tests take, read from YAML as `lazarus test` reads them: tests of a workflow alone (the shipped
 * replacement of a host, with a slow launch, a second look and a failure in turn), and tests of rules in a lab of three
 * nodes (votes, prechecks by node, a crash). The target is 10 s for each kind, on a machine that does nothing else: the
 * time of the main thread is told beside the time on the wall, because it says the same on a busy one.
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
  const before = process.threadCpuUsage();
  let failed = 0;
  for (const text of files) {
    const results = await runRunbookTests(text, {
      file: 'bench.test.yaml',
      workflow: (name) => workflows.find((workflow) => workflow.name === name),
      rules: async () => config,
    });
    failed += results.filter(({ passed }) => !passed).length;
  }
  const { user, system } = process.threadCpuUsage(before);
  return {
    ms: Math.round(performance.now() - startedMs),
    cpu_ms: Math.round((user + system) / 1000),
    failed,
  };
}

const report = {};
for (const [kind, suite] of Object.entries(KINDS)) {
  report[kind] = await measure(suite);
  const { ms, cpu_ms: cpuMs, failed } = report[kind];
  const seconds = `${(ms / 1000).toFixed(1)} s on the wall, ${(cpuMs / 1000).toFixed(1)} s of work`;
  console.log(`${TESTS} tests of ${kind.padEnd(8)}  ${seconds}, ${failed} failed`);
}
const kinds = Object.values(report);
const isOk = kinds.every(({ ms, failed }) => ms < TARGET_MS && failed === 0);
console.log(JSON.stringify({ tests: TESTS, target_ms: TARGET_MS, ...report, ok: isOk }));
process.exitCode = isOk ? 0 : 1;
