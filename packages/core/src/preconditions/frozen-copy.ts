/**
 * A deep copy of plain objects and lists that cannot be changed (other values are kept as they are): checks are other people's code, and one that changed what it was given
 * would change the next one's input.
 */
export function frozenCopy<T>(value: T): T {
  if (Array.isArray(value)) return Object.freeze(value.map((item: unknown) => frozenCopy(item))) as T;
  if (!isPlainObject(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value as object)) {
    const frozen = frozenCopy(member as unknown);
    // A key named __proto__ must stay a key.
    if (key === '__proto__') Object.defineProperty(copy, key, { value: frozen, enumerable: true });
    else copy[key] = frozen;
  }
  return Object.freeze(copy) as T;
}

function isPlainObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
