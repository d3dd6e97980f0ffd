import { describeEngineConformance } from '@lazarus/testing/contracts';
import { describe, expect, it } from 'vitest';
import { createEmbeddedHarness } from './support/engine-harness.ts';

describeEngineConformance(
  { describe, it, expect },
  { name: 'embedded', takeoverMs: 11_000, create: createEmbeddedHarness },
);
