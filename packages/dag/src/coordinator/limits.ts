/** The action that is a durable timer of the coordinator and no call. */
export const WAIT_ACTION = 'wait@1';

/** Longest single call of an action, milliseconds; long waits are polls. @remarks Source: workflow engines abort longer closures. */
export const MAX_ATTEMPT_MS = 60_000;

/** How often "did it happen?" is asked before a step of unknown result counts as not done: providers list late. */
export const EFFECT_CHECKS = 3;

/** Pause between those questions, milliseconds. */
export const EFFECT_CHECK_EVERY_MS = 5_000;

/** A page that a run holds is acknowledged again this often, before the pager's own timeout of 30 min; milliseconds. */
export const REACKNOWLEDGE_EVERY_MS = 10 * 60_000;

/** Name of the signal that asks a run to stop. */
export const CANCEL_SIGNAL = '$cancel';
