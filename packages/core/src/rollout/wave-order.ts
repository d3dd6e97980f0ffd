import { hash } from 'node:crypto';

/** Positions are below this. */
export const POSITIONS = 2 ** 32;

/**
 * The place of a service in the order of a rollout, 0 to {@link POSITIONS} - 1: by a hash of the edit and the service, the
 * same on all nodes, and another one for the next edit, so that no service is always the first to find out.
 */
export function positionOf(edit: string, service: string): number {
  return Number.parseInt(hash('sha256', `${edit}\n${service}`, 'hex').slice(0, 8), 16);
}

/**
 * The position below which a service belongs to each wave, fixed when the rollout begins: as many of the services that
 * there are now as the share asks for, at least one. A service that comes later finds its own place by its hash, and never
 * moves another one out of a wave.
 */
export function cutoffsOf(
  shares: readonly number[],
  edit: string,
  services: Iterable<string>,
): readonly number[] {
  const positions = [...services]
    .map((service) => positionOf(edit, service))
    .sort((left, right) => left - right);
  return shares.map((share) => {
    if (share >= 1) return POSITIONS;
    const count = Math.max(1, Math.ceil(share * positions.length));
    return count >= positions.length
      ? (positions.at(-1) ?? POSITIONS - 1) + 1
      : (positions[count - 1] ?? 0) + 1;
  });
}
