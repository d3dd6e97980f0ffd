import { createFakeAuditLog, createManualClock } from '@lazarus/testing';
import { describeAuditContract } from '@lazarus/testing/contracts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

import { createSqliteAudit, type SqliteAudit } from '../src/index.ts';

const root = mkdtempSync(join(tmpdir(), 'lazarus-audit-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const runner = {
  describe: (title: string, body: () => void) => void describe(title, body),
  it: (title: string, body: () => Promise<void>) => it(title, body),
  equal: (actual: unknown, expected: unknown) => expect(actual).toEqual(expected),
};

describe('audit log in SQLite', () => {
  let count = 0;
  describeAuditContract(runner, {
    create: () => createSqliteAudit({ file: join(root, `${(count += 1)}.db`), clock: createManualClock() }),
    dispose: (log) => (log as SqliteAudit).close(),
  });
});

describe('fake audit log', () => {
  describeAuditContract(runner, { create: async () => createFakeAuditLog() });
});
