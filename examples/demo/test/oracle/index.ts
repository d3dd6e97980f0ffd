import { oneEffectPerIncarnation, oneRunPerLock } from './effects.ts';
import { oneTerminalRecord } from './records.ts';
import type { Oracle } from './recording.ts';
import { dryIsDry, nothingWhilePaused, nothingWhileSuspended } from './suspension.ts';
import { freshEvidence, oneConfiguration, quorumBeforeEffect } from './votes.ts';

/** One oracle for each invariant that a cluster must keep whatever is killed, frozen or cut off. */
export const ORACLES: Readonly<
  Record<'S1' | 'S2' | 'S3' | 'S4' | 'S7' | 'S11' | 'S13' | 'S14' | 'S15', Oracle>
> = {
  S1: oneEffectPerIncarnation,
  S2: quorumBeforeEffect,
  S3: freshEvidence,
  S4: oneRunPerLock,
  S7: nothingWhileSuspended,
  S11: oneTerminalRecord,
  S13: dryIsDry,
  S14: nothingWhilePaused,
  S15: oneConfiguration,
};
