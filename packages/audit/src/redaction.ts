/** Stands in for a value that must not be stored. */
export const REDACTED = '[redacted]';

/** Names of fields whose values are never stored, whatever they hold. */
const SECRET_NAME =
  /(?:^|[_-])(?:password|passwd|passphrase|secret|credential|credentials|authorization|cookie|api[_-]?key|access[_-]?key|private[_-]?key|auth[_-]?token|access[_-]?token|session[_-]?token|refresh[_-]?token|bearer|routing[_-]?key)(?:$|[_-])/;

/** Fields of a decision record that are stored; others are left out. */
export const DECISION_FIELDS = [
  'event_id',
  'decision_id',
  'region',
  'environment',
  'service',
  'host',
  'zone',
  'incarnation',
  'event_type',
  'source',
  'event',
  'rule',
  'rule_digest',
  'config_digest',
  'mode',
  'coordinator',
  'received_at',
  'decided_at',
  'decision',
  'gates',
  'votes',
  'page',
  'notification_group',
] as const;

/** Fields of a run that are stored. */
export const RUN_FIELDS = [
  'run_id',
  'workflow',
  'definition_digest',
  'service',
  'host_id',
  'incident_key',
  'status',
  'page',
  'started_at',
  'ended_at',
  'deadline_at',
  'outputs',
  'error',
  'steps',
] as const;

/** Fields of a settled attachment that are stored. */
export const ATTACHMENT_FIELDS = ['event_id', 'page', 'reason'] as const;

/** Fields of a late vote that are stored. */
export const LATE_VOTE_FIELDS = ['decision_id', 'voter', 'received_at', 'vote', 'voided'] as const;

/** Prepares text and records for storage. */
export interface Redaction {
  /** Removes the known secret values from a text. */
  text(value: string): string;
  /** JSON of the allowed fields of a record, without secrets. Keeps S17. */
  json(record: object, fields: readonly string[]): string;
}

function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase());
}

/**
 * Makes the redaction. Three nets: only listed top-level fields are stored, fields with a secret's name lose their
 * value at any depth, and the given secret values are cut out wherever they occur. An object that hides itself when
 * serialized (`toJSON`) stays hidden.
 *
 * @param secrets - Values that must never be stored, 6 characters or more each.
 */
export function createRedaction(secrets: readonly string[]): Redaction {
  // Longest first: a secret that contains another one must not leave its rest behind.
  const values = [...new Set(secrets)].sort((a, b) => b.length - a.length);
  const text = (value: string): string =>
    values.reduce(
      (rest, secret) => (rest.includes(secret) ? rest.replaceAll(secret, REDACTED) : rest),
      value,
    );

  const replacer = (name: string, value: unknown): unknown => {
    if (name !== '' && value !== null && value !== undefined && isSecretName(name)) return REDACTED;
    // A fencing token is an object; a token that is a string opens something.
    if (name === 'token' && typeof value === 'string') return REDACTED;
    if (typeof value === 'string') return text(value);
    if (typeof value === 'bigint') return value.toString();
    if (values.length > 0 && typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [text(key), inner]));
    }
    return value;
  };

  return {
    text,
    json: (record, fields) => {
      const allowed = new Set(fields);
      const kept = Object.fromEntries(Object.entries(record).filter(([name]) => allowed.has(name)));
      return JSON.stringify(kept, replacer);
    },
  };
}
