import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What a program prints; rejects when it ends with another code than 0. */
async function outputOf(path: string, ...words: readonly string[]): Promise<string> {
  const conditions = '--conditions=@lazarus/source';
  const { stdout } = await run(process.execPath, [conditions, at(path), ...words], { timeout: 15_000 });
  return stdout;
}

describe('the commands of the README', () => {
  it('run the tests in YAML', async () => {
    const words = ['test', at('../src'), '--plugins', at('../src/lazarus.plugins.ts'), '--coverage'];
    const out = await outputOf('../../../packages/cli/src/main.ts', ...words);
    expect(out).toContain('8 tests: 8 passed, 0 failed');
    expect(out).toContain('coverage of workflow shop.flush_and_restart: 55 %');
    expect(out).toContain('coverage of rule stale_cache: 100 %');
  });

  it('run the workflow, and then every fault at every step', async () => {
    const out = await outputOf('../src/index.ts');
    expect(out).toContain('succeeded, page resolved, after 180 s that nobody waited for');
    expect(out).toContain('65 runs with faults, 0 broken promises');
  });
});
