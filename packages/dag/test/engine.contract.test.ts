import { describeEngineConformance } from '@lazarus/testing/contracts';
import { describe, expect, it } from 'vitest';
import { createEmbeddedHarness } from './support/engine-harness.ts';

// S1, S3, S4, S10, S12.
describeEngineConformance(
  { describe, it, expect },
  { name: 'embedded', takeoverMs: 11_000, create: createEmbeddedHarness },
);
