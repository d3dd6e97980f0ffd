import { describeEngineConformance } from '@lazarus/testing/contracts';
import { describe, expect, it } from 'vitest';
import { whyNoRestate, withRestate } from '../../../tools/restate-server.ts';
import { createRestateHarness } from './support/restate-harness.ts';

const TEST_MS = 60_000;

describe.skipIf(whyNoRestate() !== undefined)(withRestate('workflows on Restate'), () => {
  describeEngineConformance(
    {
      describe,
      expect,
      it: (name, body) => {
        it(name, body, TEST_MS);
      },
    },
    { name: 'Restate', takeoverMs: 2_500, hasServer: true, create: createRestateHarness },
  );
});
