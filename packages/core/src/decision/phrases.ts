/** `9.3 s`, `300 s` */
export function seconds(ms: number): string {
  if (ms >= 10_000) return `${Math.round(ms / 1000)} s`;
  const tenths = Math.round(ms / 100);
  return `${Math.trunc(tenths / 10)}.${tenths % 10} s`;
}

/** The first characters of an id, as people quote it. */
export const short = (id: string): string => id.slice(0, 12);
