/**
 * How a command ended, for scripts. The numbers are stable.
 *
 * @remarks 3 and 4 belong to `plan`; 130 is what shells expect of an interrupted command.
 */
export const EXIT = {
  ok: 0,
  failed: 1,
  invalid: 2,
  wouldAct: 3,
  blocked: 4,
  notFound: 5,
  unreachable: 6,
  interrupted: 130,
} as const;

/** One of the exit codes. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What each exit code means, for `--help` and the reference. */
export const EXIT_MEANINGS: readonly (readonly [ExitCode, string])[] = [
  [EXIT.ok, 'done'],
  [EXIT.failed, 'failed, or a check did not pass'],
  [EXIT.invalid, 'wrong usage, or an invalid document or event'],
  [EXIT.wouldAct, 'plan: Lazarus would act'],
  [EXIT.blocked, 'plan: a gate stops the event'],
  [EXIT.notFound, 'there is nothing with this id'],
  [EXIT.unreachable, 'the node could not be reached, or did not answer in time'],
  [EXIT.interrupted, 'interrupted'],
];
