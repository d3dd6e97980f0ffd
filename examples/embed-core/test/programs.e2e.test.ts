import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);

/** Runs a program of this example to its end and returns what it printed; rejects when it ends with an error or hangs. */
async function outputOf(file: string): Promise<readonly string[]> {
  const path = fileURLToPath(new URL(`../src/${file}`, import.meta.url));
  const { stdout } = await run(process.execPath, ['--conditions=@lazarus/source', path], { timeout: 15_000 });
  return stdout.trimEnd().split('\n');
}

describe('the embedded core', () => {
  it('decides alone, replaces the dead host, resolves the page, and ends by itself', async () => {
    const text = (await outputOf('index.ts')).join('\n');
    expect(text).toContain('web-1: remediate after 15 gates');
    expect(text).toContain("votes: '1/1'");
    expect(text).toContain('handler: replacing i-web-1');
    expect(text).toContain('run: succeeded, page resolved');
  });

  it('has parts that work on their own', async () => {
    expect(await outputOf('pieces.ts')).toEqual([
      "patterns: [ 'web_down' ]",
      "limiter: [ 'pass', 'pass', 'pass', 'fail' ]",
      "breaker: [ 'closed', 'closed', 'open' ]",
      "prechecks: [ 'KnownHost pass' ]",
    ]);
  });
});
