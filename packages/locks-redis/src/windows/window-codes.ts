/** How what travels to and from the scripts of the windows is written: names on the way there, one number on the way back. */

/** The field of a service in the hash of its region. */
export const fieldOfService = (service: string): string => `=${service}`;

/** The name of an entity within a record, where control characters separate; distinct entities have distinct names. */
export function entityName(entity: string): string {
  // eslint-disable-next-line no-control-regex -- those are what separates.
  return /[\u0000-\u001f%]/.test(entity) ? escapeControls(entity) : entity;
}

function escapeControls(text: string): string {
  // eslint-disable-next-line no-control-regex -- see above.
  return text.replace(/[\u0000-\u001f%]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** What a script says about one event. Counts are -1 when they cannot be counted. */
export function readCode(code: number): {
  readonly isFirst: boolean;
  readonly phase: 0 | 1 | 2;
  readonly entities: number;
  readonly services: number;
} {
  const flags = code % 8;
  const counts = (code - flags) / 8;
  return {
    isFirst: (flags & 1) === 1,
    phase: (flags >> 1) as 0 | 1 | 2,
    entities: (counts % 16_777_216) - 1,
    services: Math.floor(counts / 16_777_216) - 1,
  };
}
