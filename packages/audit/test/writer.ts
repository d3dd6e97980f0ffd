// Writes records until it is killed or refused, and names each one after its promise resolved.
import { createSystemClock, isLazarusError } from '@lazarus/core';
import { aDecisionRecord } from '@lazarus/testing/contracts';

import { createSqliteAudit } from '../src/index.ts';

const [file = '', padding = '0'] = process.argv.slice(2);
const audit = await createSqliteAudit({ file, clock: createSystemClock() });
try {
  for (let n = 0; ; n += 1) {
    const records = [0, 1, 2].map((part) =>
      aDecisionRecord({ event_id: `nagios/${n}.${part}`, event: 'x'.repeat(Number(padding)) }),
    );
    await Promise.all(
      records.map(async (record) => {
        await audit.conclude(record);
        process.stdout.write(`${record.event_id}\n`);
      }),
    );
  }
} catch (error) {
  process.stdout.write(`refused ${isLazarusError(error) ? error.code : String(error)}\n`);
}
