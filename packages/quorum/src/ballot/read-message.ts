/**
 * Hand-written checks of messages for the common case, because the schemas cost more than the vote. They accept only what
 * the schemas accept; whatever they do not accept goes to the schemas, which have the last word and the words for people. A
 * property test holds the two together.
 */
import { readEnvelope } from '@lazarus/core/gates';
import type { Answer, Question } from './messages.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The question, or `undefined` when only the schema can tell. */
export function readPlainQuestion(message: unknown): Question | undefined {
  if (!isPlainObject(message) || !hasBinding(message)) return undefined;
  const { coordinator, expires_in_ms, event, rule, host_id, revalidates, supposed } = message;
  let fields = 10;
  if (!isId(coordinator) || !isId(rule)) return undefined;
  if (!isFinite(expires_in_ms) || expires_in_ms < 0 || expires_in_ms > 600_000) return undefined;
  if (host_id !== undefined) {
    if (!isId(host_id)) return undefined;
    fields += 1;
  }
  if (revalidates !== undefined) {
    if (typeof revalidates !== 'boolean') return undefined;
    fields += 1;
  }
  if (supposed !== undefined) {
    if (typeof supposed !== 'boolean') return undefined;
    fields += 1;
  }
  if (countOf(message) !== fields) return undefined;
  const plain = readEnvelope(event);
  if (plain === undefined) return undefined;
  return (plain === event ? message : { ...message, event: plain }) as unknown as Question;
}

/** The answer, or `undefined` when only the schema can tell. */
export function readPlainAnswer(message: unknown): Answer | undefined {
  if (!isPlainObject(message) || !hasBinding(message)) return undefined;
  const { voter, zone, verdict, checks } = message;
  if (!isId(voter) || typeof zone !== 'string' || zone.length === 0 || zone.length > 64) return undefined;
  if (verdict !== 'yes' && verdict !== 'no') return undefined;
  if (!Array.isArray(checks) || checks.length > 64 || countOf(message) !== 10) return undefined;
  for (const check of checks) if (!isCheck(check)) return undefined;
  return message as unknown as Answer;
}

/** The six fields that every message begins with. */
function hasBinding(message: Fields): boolean {
  const { version, decision_id, config_digest, membership_epoch, nonce, expires_at } = message;
  return (
    version === 1 &&
    isId(decision_id) &&
    typeof config_digest === 'string' &&
    config_digest.length <= 128 &&
    Number.isSafeInteger(membership_epoch) &&
    (membership_epoch as number) >= 0 &&
    isId(nonce) &&
    isFinite(expires_at)
  );
}

function isCheck(check: unknown): boolean {
  if (!isPlainObject(check)) return false;
  const { check: name, verdict, reason, evidence, durationMs } = check;
  let fields = 3;
  if (!isId(name) || (verdict !== 'pass' && verdict !== 'fail')) return false;
  if (!isFinite(durationMs) || durationMs < 0) return false;
  if (reason !== undefined) {
    if (typeof reason !== 'string' || reason.length > 1_000) return false;
    fields += 1;
  }
  if (evidence !== undefined) {
    // What this key means is left to the schema.
    if (!isPlainObject(evidence) || Object.hasOwn(evidence, '__proto__')) return false;
    fields += 1;
  }
  return countOf(check) === fields;
}

function isPlainObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= 128;
}

function isFinite(value: unknown): value is number {
  return Number.isFinite(value);
}

function countOf(object: Fields): number {
  let count = 0;
  for (const _ in object) count += 1;
  return count;
}
