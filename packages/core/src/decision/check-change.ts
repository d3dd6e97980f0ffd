import type { CheckResult } from '../ports/voters.ts';
import { numberOf, textOf } from './evidence.ts';
import type { Evidence } from './gate-outcome.ts';

/** `MinActiveHosts: 2 active, 3 needed: one more active host`: with which change a failed check would have passed. */
export function changeOfCheck({ check, reason, evidence = {} }: CheckResult): string {
  const change = INVERSES[check]?.(evidence);
  return `${check}: ${change ?? reason ?? 'passes'}`;
}

/** The built-in checks whose evidence has a number to invert; every other one says its reason. */
const INVERSES: Readonly<Record<string, (evidence: Evidence) => string | undefined>> = {
  MinActiveHosts: (evidence) => {
    const [active, minimum] = [numberOf(evidence, 'active'), numberOf(evidence, 'minimum')];
    if (active === undefined || minimum === undefined) return undefined;
    return `${active} active, ${minimum} needed: ${more(minimum - active, 'active host')}`;
  },
  MaxActiveHosts: (evidence) => {
    const [active, maximum] = [numberOf(evidence, 'active'), numberOf(evidence, 'maximum')];
    if (active === undefined || maximum === undefined) return undefined;
    const all = active + (numberOf(evidence, 'launching') ?? 0);
    return `${all} active or launching, fewer than ${maximum} allowed: ${fewer(all - maximum + 1, 'host')}`;
  },
  PeerCheck: (evidence) => {
    const [unhealthy, max] = [numberOf(evidence, 'unhealthy'), numberOf(evidence, 'max_unhealthy_peers')];
    if (unhealthy === undefined || max === undefined || unhealthy <= max) return undefined;
    return `${unhealthy} peers not healthy, ${max} may be: ${more(unhealthy - max, 'healthy peer')}`;
  },
  HealthCheckDown: (evidence) =>
    evidence['status'] === 'healthy'
      ? `healthy from ${textOf(evidence, 'from_zone') ?? 'its zone'}: unhealthy or unreachable from there`
      : undefined,
  MinUptime: (evidence) => {
    const [uptime, minimum] = [numberOf(evidence, 'uptime_ms'), numberOf(evidence, 'minimum_ms')];
    if (uptime === undefined || minimum === undefined) return undefined;
    return `passes in ${Math.ceil((minimum - uptime) / 1000)} s`;
  },
};

const more = (count: number, noun: string): string =>
  `${count === 1 ? 'one' : count} more ${noun}${count === 1 ? '' : 's'}`;
const fewer = (count: number, noun: string): string =>
  `${count === 1 ? 'one' : count} ${noun}${count === 1 ? '' : 's'} fewer`;
