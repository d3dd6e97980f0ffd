import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const PROGRAM = `await import('@lazarus/dag');
console.log(JSON.stringify(process.moduleLoadList.filter((name) => /undici|_http_client/.test(name))));`;

describe('a process that loads the package', () => {
  it('loads no HTTP client, which would take as long as all the rest of it', () => {
    const options = ['--conditions=@lazarus/source', '--input-type=module', '--eval', PROGRAM];
    const { stdout, stderr } = spawnSync(process.execPath, options, { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual([]);
  });
});
