#!/usr/bin/env node
/** The demo: one scenario from beginning to end, readable lines, a last line of JSON, and exit 0 when it came as it should. */
import { parseArgs } from 'node:util';
import { askedToStop, runProgram, UsageError } from './processes/program.ts';
import { createTerminal } from './render/terminal.ts';
import { dependencyScenario } from './scenarios/dependency.ts';
import { falseAlarmScenario } from './scenarios/false-alarm.ts';
import { replaceScenario } from './scenarios/replace.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { poll } from './world/http.ts';
import { temporaryState } from './world/state-directory.ts';
import { createViews } from './world/views.ts';
import { startWorld } from './world/world.ts';

const SCENARIOS: readonly Scenario[] = [replaceScenario, dependencyScenario, falseAlarmScenario];
const SETTLED_WITHIN_MS = 30_000;

const HELP = `Shows Lazarus at work in a simulated region, without anybody's help.

  npm run demo
  npm run demo -- --scenario NAME

${SCENARIOS.map(({ name, summary }) => `  ${name.padEnd(12)} ${summary}`).join('\n')}

The last line is JSON. Exit code 0: it came as it should; 1: it did not; 2: bad arguments.
`;

function choose(): Scenario | 'help' {
  const { values } = parseArgs({
    options: { scenario: { type: 'string', default: 'replace' }, help: { type: 'boolean' } },
  });
  if (values.help === true) return 'help';
  const chosen = SCENARIOS.find(({ name }) => name === values.scenario);
  if (chosen !== undefined) return chosen;
  throw new UsageError(
    `no scenario ${values.scenario}: choose one of ${SCENARIOS.map(({ name }) => name).join(', ')}`,
  );
}

async function run(): Promise<number> {
  const scenario = choose();
  if (scenario === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  const terminal = createTerminal(process.stdout);
  const startedMs = performance.now();
  terminal.line(terminal.paint('bold', `Lazarus demo: ${scenario.summary}`));
  const state = temporaryState();
  const starting = startWorld({
    stateDir: state.path,
    port: 0,
    onReady: (name) => terminal.timed(startedMs, 'start', `${name} is ready`),
  });
  const stop = async (): Promise<void> => {
    await starting.then((world) => world.close()).catch(() => undefined);
    state.release();
  };
  void askedToStop().then(async () => {
    terminal.line();
    await stop();
    process.exit(0);
  });
  try {
    const world = await starting;
    const views = createViews(world);
    await poll(
      async () => {
        const hosts = await views.hosts('web');
        return hosts.length > 0 && hosts.every((host) => host.target_health['web'] === 'healthy')
          ? true
          : undefined;
      },
      { withinMs: SETTLED_WITHIN_MS },
    );
    terminal.timed(
      startedMs,
      'start',
      `${(await views.hosts('web')).length} hosts of web serve, three nodes watch`,
    );
    terminal.line();
    const outcome = await scenario.play({ world, views, terminal });
    terminal.line();
    terminal.line(JSON.stringify(outcome.result));
    return outcome.ok ? 0 : 1;
  } finally {
    await stop();
  }
}

await runProgram('demo', run);
