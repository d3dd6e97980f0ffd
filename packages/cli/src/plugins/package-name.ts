/** The package that a specifier means: `@a/b` of `@a/b/c`, `a` of `a/b`; empty when it means none. */
export function packageName(specifier: string): string {
  return /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? '';
}
