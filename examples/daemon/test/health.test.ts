import { describe, expect, it } from 'vitest';
import type { Controller } from '@lazarus/core/controller';
import { configurationCheck } from '../src/health.ts';

describe('a node that waits for its configuration', () => {
  it('S15: is not ready to act, and says where its pages go', () => {
    const check = configurationCheck({ snapshot: undefined });
    expect(() => check.check(new AbortController().signal)).toThrow(
      'no configuration is in force yet; every page goes to people',
    );
  });

  it('is ready when one is in force', () => {
    const check = configurationCheck({ snapshot: {} as Controller['snapshot'] });
    expect(() => check.check(new AbortController().signal)).not.toThrow();
  });
});
