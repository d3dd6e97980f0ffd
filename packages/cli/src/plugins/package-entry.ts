/** Conditions of `exports` that hold for an import in Node. @remarks Source: Node.js docs, conditional exports. */
const CONDITIONS: ReadonlySet<string> = new Set(['node', 'import', 'module-sync', 'default']);

/**
 * The file of a package that an import of it means, relative to its folder; `undefined` when it exports none. Patterns in
 * `exports` are not looked at.
 *
 * @param manifest - Its `package.json`.
 * @param subpath - What follows the name of the package: empty, or `/x`.
 */
export function entryOf(manifest: unknown, subpath: string): string | undefined {
  const { exports, main } = manifest as { readonly exports?: unknown; readonly main?: unknown };
  if (exports !== undefined) return targetOf(forSubpath(exports, `.${subpath}`));
  if (subpath !== '') return subpath.slice(1);
  return typeof main === 'string' ? main : 'index.js';
}

function forSubpath(exports: unknown, subpath: string): unknown {
  if (isObject(exports) && Object.keys(exports).some((key) => key.startsWith('.'))) return exports[subpath];
  return subpath === '.' ? exports : undefined;
}

/** The first condition that holds counts, in the order in which they are written. */
function targetOf(target: unknown): string | undefined {
  if (typeof target === 'string') return target;
  if (!isObject(target)) return undefined;
  for (const [condition, inner] of Object.entries(target)) {
    const found = CONDITIONS.has(condition) ? targetOf(inner) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
