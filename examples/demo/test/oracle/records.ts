import type { Oracle } from './recording.ts';

/** S11: every accepted event has exactly one terminal record. */
export const oneTerminalRecord: Oracle = ({ audit, accepted }) => {
  const ends = Map.groupBy(
    audit.filter(({ kind }) => kind === 'terminal'),
    ({ key }) => key,
  );
  const missing = accepted
    .filter((id) => !ends.has(id))
    .map((id) => `S11: ${id} was accepted and has no end`);
  const twice = [...ends]
    .filter(([, lines]) => lines.length > 1)
    .map(([id, lines]) => `S11: ${id} has ${lines.length} ends`);
  return [...missing, ...twice];
};
