/**
 * Fails a test file that leaves a server listening or a child process running: what one file leaves behind makes
 * another one flaky, and keeps ports of the machine. Set up for every file in vitest.config.ts.
 */
import { afterAll, beforeAll } from 'vitest';

const GUARDED = new Set(['TCPServerWrap', 'PipeServerWrap', 'ProcessWrap', 'UDPWrap']);
const PATIENCE_MS = 3_000;
const STEP_MS = 50;

let before: readonly string[] = [];

function guardedResources(): string[] {
  return process.getActiveResourcesInfo().filter((name) => GUARDED.has(name));
}

/** Resources that are open now and were not before, counted by kind. */
function leftBehind(): string[] {
  const known = [...before];
  return guardedResources().filter((name) => {
    const index = known.indexOf(name);
    if (index >= 0) known.splice(index, 1);
    return index < 0;
  });
}

beforeAll(() => {
  before = guardedResources();
});

afterAll(async () => {
  for (let waitedMs = 0; leftBehind().length > 0 && waitedMs < PATIENCE_MS; waitedMs += STEP_MS) {
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  const leaks = leftBehind();
  if (leaks.length > 0) throw new Error(`This test file left open: ${leaks.join(', ')}`);
});
