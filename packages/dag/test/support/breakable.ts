import { PortError } from '@lazarus/core';
import type { Journal } from '../../src/index.ts';

/** A journal whose writes fail while it is broken. */
export function breakable(journal: Journal): {
  readonly journal: Journal;
  break(message: string | undefined): void;
} {
  let failure: string | undefined;
  const broken = new Proxy(journal, {
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]) => {
        if (failure !== undefined && ['commit', 'renew', 'claim', 'prune'].includes(String(key))) {
          throw new PortError({ code: 'LZ_JOURNAL_UNAVAILABLE', message: failure, retryable: true });
        }
        return Reflect.apply(member as (...all: unknown[]) => unknown, target, args);
      };
    },
  });
  return {
    journal: broken,
    break: (message) => {
      failure = message;
    },
  };
}
