import { createFakeAuditLog, createManualClock } from '@lazarus/testing';
import { describeAuditContract } from '@lazarus/testing/contracts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

import { createSqliteAudit } from '../src/index.ts';

const root = mkdtempSync(join(tmpdir(), 'lazarus-audit-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const runner = { describe, it, expect };
let files = 0;

describeAuditContract(runner, {
  name: 'SQLite',
  create: async () => {
    files += 1;
    const log = await createSqliteAudit({ file: join(root, `${files}.db`), clock: createManualClock() });
    return { log, close: () => log.close() };
  },
});

describeAuditContract(runner, {
  name: 'fake',
  create: async () => ({ log: createFakeAuditLog(), close: async () => undefined }),
});
