import { frozenCopy } from '@lazarus/core/gates';
import { describe, expect, it } from 'vitest';

describe('frozen copy', () => {
  it('is deep, frozen and apart from the original', () => {
    const original = { list: [{ name: 'a' }], nested: { count: 1 } };
    const copy = frozenCopy(original);
    original.nested.count = 2;
    expect(copy).toEqual({ list: [{ name: 'a' }], nested: { count: 1 } });
    expect([copy, copy.list, copy.list[0], copy.nested].every((part) => Object.isFrozen(part))).toBe(true);
    expect(Object.isFrozen(original.nested)).toBe(false);
  });

  it('keeps a key named __proto__ a key and gives nothing a prototype', () => {
    const hostile = JSON.parse('{"__proto__": {"isAdmin": true}, "name": "x"}') as Record<string, unknown>;
    const copy = frozenCopy(hostile);
    expect(copy['isAdmin']).toBeUndefined();
    expect(Object.keys(copy)).toEqual(['__proto__', 'name']);
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
  });

  it('keeps values that are no plain data as they are', () => {
    const when = new Date(0);
    expect(frozenCopy({ when }).when).toBe(when);
  });
});
