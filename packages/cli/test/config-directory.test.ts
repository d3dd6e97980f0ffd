import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConfigDirectory } from '@lazarus/cli/documents';
import { createRecordingLogger } from '@lazarus/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lazarus-config-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function put(path: string, text: string): Promise<void> {
  await mkdir(join(folder, path, '..'), { recursive: true });
  await writeFile(join(folder, path), text);
}

describe('a configuration folder', () => {
  it('gives every document with its kind and its path within the folder, and leaves runbook tests out', async () => {
    await put('services/web.yaml', 'service: web\nteam: t\nprofile: stateless\n');
    await put('rules/deep/down.yaml', 'name: down\ncriteria: {}\n');
    await put('settings.yaml', 'mode: notify\n');
    await put('workflows/restart.test.yaml', 'tests: []\n');
    const documents = await createConfigDirectory(folder).load();
    expect(documents.map(({ kind, path }) => [kind, path])).toEqual([
      ['rule', 'rules/deep/down.yaml'],
      ['service', 'services/web.yaml'],
      ['settings', 'settings.yaml'],
    ]);
  });

  it('names files that look like no document', async () => {
    await put('notes.yaml', 'todo: nothing\n');
    const log = createRecordingLogger();
    expect(await createConfigDirectory(folder, log).load()).toEqual([]);
    expect(JSON.stringify(log.lines)).toContain('notes.yaml');
  });

  it('S15: that is not there is an error that may pass, not an empty configuration', async () => {
    await expect(createConfigDirectory(join(folder, 'none')).load()).rejects.toMatchObject({
      code: 'LZ_CONFIG_UNREADABLE',
      retryable: true,
    });
  });
});
