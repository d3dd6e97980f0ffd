import type { Evidence } from './gate-outcome.ts';

/** A number that a gate left behind. */
export function numberOf(evidence: Evidence, name: string): number | undefined {
  const value = evidence[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** A text that a gate left behind. */
export function textOf(evidence: Evidence, name: string): string | undefined {
  const value = evidence[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** `1 host`, `2 hosts` */
export function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
