/**
 * A rollout as a state machine: an edit of a profile reaches its subscribers wave by wave, and stops by itself.
 *
 * Invariants:
 * S15: who has the edit follows from the state alone, which is part of the digest of the configuration.
 * - A service that has the edit keeps it until somebody rolls back; the state never goes back a wave by itself.
 * - Nothing but a person's `resume` leaves `stopped` and `rolled_back`, and nothing leaves `done`.
 * - A wave is baked by the monotonic clock of a node that watched it: no wall clock that is ahead moves anything on.
 */
import type { RolloutTerms } from './rollout-schema.ts';

/** Most outcomes that are remembered; the newest ones say most. */
const MAX_OUTCOMES = 500;

/** Something that ended for a service which has the edit. */
export interface RolloutOutcome {
  /** Wall time, milliseconds: the state outlives processes. */
  readonly atMs: number;
  readonly failed: boolean;
}

/** State of one rollout; plain data. */
export interface RolloutState {
  /** Digest of the edit. */
  readonly edit: string;
  readonly status: 'rolling' | 'stopped' | 'done' | 'rolled_back';
  /** Index of the wave that is in force. */
  readonly wave: number;
  /** Position below which services belong to each wave. */
  readonly cutoffs: readonly number[];
  /** Wall time at which the wave began, milliseconds; for people. */
  readonly waveSinceMs: number;
  /** Outcomes within the window, oldest first. */
  readonly outcomes: readonly RolloutOutcome[];
  /** Why it is in this state, and who said so. */
  readonly because: string;
}

/** What can happen to a rollout. */
export type RolloutInput =
  | { readonly kind: 'outcomes'; readonly outcomes: readonly RolloutOutcome[]; readonly watchedMs: number }
  /** `watchedMs`: how long the node that looks has seen this wave in force, by its own monotonic clock. */
  | { readonly kind: 'tick'; readonly watchedMs: number }
  | { readonly kind: 'stop' | 'resume' | 'roll_back'; readonly author: string; readonly reason: string };

/** What became of an input. */
export interface RolloutVerdict {
  readonly changed: boolean;
  /** What a person should hear about. */
  readonly event?: 'advanced' | 'stopped' | 'done' | 'resumed' | 'rolled_back';
}

/** Takes one input. Pure. */
export function stepRollout(
  terms: RolloutTerms,
  state: RolloutState,
  input: RolloutInput,
  nowMs: number,
): { readonly state: RolloutState; readonly verdict: RolloutVerdict } {
  switch (input.kind) {
    case 'outcomes':
      return judge(terms, remember(terms, state, input.outcomes, nowMs), state, input.watchedMs, nowMs);
    case 'tick':
      return judge(terms, state, state, input.watchedMs, nowMs);
    case 'stop':
      if (state.status !== 'rolling') return unchanged(state);
      return change(state, { status: 'stopped', because: byPerson('stopped', input) }, 'stopped');
    case 'resume':
      // What went wrong was seen by a person; from here on it is counted afresh.
      // What was taken back begins with its first wave.
      if (state.status !== 'stopped' && state.status !== 'rolled_back') return unchanged(state);
      return change(
        state,
        {
          status: 'rolling',
          outcomes: [],
          waveSinceMs: nowMs,
          wave: state.status === 'rolled_back' ? 0 : state.wave,
          because: byPerson('resumed', input),
        },
        'resumed',
      );
    case 'roll_back':
      if (state.status === 'rolled_back' || state.status === 'done') return unchanged(state);
      return change(
        state,
        { status: 'rolled_back', outcomes: [], because: byPerson('rolled back', input) },
        'rolled_back',
      );
  }
}

/** Position below which services have the edit now. */
export function cutoffNow({
  status,
  cutoffs,
  wave,
}: Pick<RolloutState, 'status' | 'cutoffs' | 'wave'>): number {
  if (status === 'rolled_back') return 0;
  return cutoffs[status === 'done' ? cutoffs.length - 1 : wave] ?? 0;
}

/** Outcomes within the window, and how many of them went wrong. */
export function errorRate(
  terms: Pick<RolloutTerms, 'window'>,
  outcomes: readonly RolloutOutcome[],
  nowMs: number,
): { readonly outcomes: number; readonly failed: number } {
  const counted = outcomes.filter(({ atMs }) => nowMs - atMs < terms.window);
  return { outcomes: counted.length, failed: counted.filter(({ failed }) => failed).length };
}

function remember(
  terms: RolloutTerms,
  state: RolloutState,
  more: readonly RolloutOutcome[],
  nowMs: number,
): RolloutState {
  if (more.length === 0 || state.status !== 'rolling') return state;
  const outcomes = [...state.outcomes, ...more].filter(({ atMs }) => nowMs - atMs < terms.window);
  return { ...state, outcomes: outcomes.slice(-MAX_OUTCOMES) };
}

function judge(
  terms: RolloutTerms,
  state: RolloutState,
  before: RolloutState,
  watchedMs: number,
  nowMs: number,
): { readonly state: RolloutState; readonly verdict: RolloutVerdict } {
  if (state.status !== 'rolling') return unchanged(before);
  const { outcomes, failed } = errorRate(terms, state.outcomes, nowMs);
  // With too few outcomes: whatever the others will be, too many went wrong already.
  if (failed > Math.max(outcomes, terms.min_outcomes) * terms.max_error_rate) {
    const because = `${failed} of ${outcomes} outcomes went wrong, at most ${percent(terms.max_error_rate)} may`;
    return change(state, { status: 'stopped', because }, 'stopped');
  }
  const isDoubtful = failed > outcomes * terms.max_error_rate;
  if (isDoubtful || watchedMs < terms.bake) return { state, verdict: { changed: state !== before } };
  const wave = state.wave + 1;
  const because = `wave ${wave} went well: ${failed} of ${outcomes} outcomes went wrong`;
  if (wave >= state.cutoffs.length) return change(state, { status: 'done', outcomes: [], because }, 'done');
  return change(state, { wave, waveSinceMs: nowMs, because }, 'advanced');
}

function change(
  state: RolloutState,
  fields: Partial<RolloutState>,
  event: NonNullable<RolloutVerdict['event']>,
): { readonly state: RolloutState; readonly verdict: RolloutVerdict } {
  return { state: { ...state, ...fields }, verdict: { changed: true, event } };
}

const unchanged = (state: RolloutState): { state: RolloutState; verdict: RolloutVerdict } => ({
  state,
  verdict: { changed: false },
});
const byPerson = (what: string, { author, reason }: { author: string; reason: string }): string =>
  `${what} by ${author}: ${reason}`;
const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`;
