/**
 * The life of one event, as data. Every rung is a gate with named exits; `decide` walks this array in this order, and
 * docs, `explain`, the console and the tests are generated from it.
 */
export const LADDER = [
  { number: 1, id: 'decode', title: 'decode', question: 'Is it a valid event?', exits: ['invalid'] },
  {
    number: 2,
    id: 'fresh',
    title: 'fresh',
    question: 'Is it recent enough to act on?',
    exits: ['stale', 'future_dated'],
  },
  {
    number: 3,
    id: 'first_seen',
    title: 'first seen',
    question: 'Is it the first with this id?',
    exits: ['duplicate'],
  },
  { number: 4, id: 'observe', title: 'observe', question: 'Was it counted?', exits: ['windows_unavailable'] },
  {
    number: 5,
    id: 'coalesce',
    title: 'coalesce',
    question: 'Is nobody remediating this entity already?',
    exits: ['attached', 'superseded'],
  },
  {
    number: 6,
    id: 'match_rule',
    title: 'match rule',
    question: 'Which rule applies?',
    exits: ['no_rule', 'no_config', 'mode_off', 'notify_only_rule'],
  },
  {
    number: 7,
    id: 'paused',
    title: 'paused',
    question: 'Has nobody paused Lazarus?',
    exits: ['paused', 'pause_unavailable'],
  },
  { number: 8, id: 'hold_down', title: 'hold down', question: 'Did a storm show itself?', exits: [] },
  {
    number: 9,
    id: 'region_breaker',
    title: 'region breaker',
    question: 'Are few services failing in the region?',
    exits: ['region_circuit_open'],
  },
  {
    number: 10,
    id: 'service_limit',
    title: 'service limit',
    question: 'Are few hosts of the service failing?',
    exits: ['service_rate_limited'],
  },
  {
    number: 11,
    id: 'lock',
    title: 'lock',
    question: 'Is the target known and free?',
    exits: ['target_unresolved', 'target_protected', 'lock_held', 'lock_unavailable', 'attached'],
  },
  {
    number: 12,
    id: 'ballot',
    title: 'ballot',
    question: 'Do enough nodes agree?',
    exits: ['quorum_not_reached', 'quorum_timed_out', 'precondition_failed'],
  },
  {
    number: 13,
    id: 'budget',
    title: 'budget',
    question: 'Is there blast radius left?',
    exits: ['budget_spent', 'budget_unavailable'],
  },
  {
    number: 14,
    id: 'acknowledge',
    title: 'acknowledge',
    question: 'Is the page ours in time?',
    exits: ['deadline_passed', 'lock_lost', 'pager_refused', 'audit_unavailable'],
  },
  {
    number: 15,
    id: 'run',
    title: 'run',
    question: 'Was the workflow started?',
    exits: ['lock_lost', 'run_not_started'],
  },
] as const;

/** Id of a rung of the ladder. */
export type GateId = (typeof LADDER)[number]['id'];

/** Name of an exit of any rung. */
export type ExitName = (typeof LADDER)[number]['exits'][number];
