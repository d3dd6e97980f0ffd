/** An object of which fields are read. */
export type Fields = Readonly<Record<string, unknown>>;

/** Number of places in {@link readKey}. */
const SITES = 16;

/** Keys that have a place of their own; never more than there are places. */
const sites = new Map<string, number>();

/** The place in the source that reads a key: the first keys of the process have one of their own. */
export function siteOf(key: string): number {
  const known = sites.get(key);
  if (known !== undefined) return known;
  if (sites.size >= SITES) return SITES;
  sites.set(key, sites.size);
  return sites.size - 1;
}

/**
 * Reads a key. The engine remembers for each place in the source which key was read there and from objects of which shape,
 * and is several times as fast while these are few; so every case is a place for one key although all read alike.
 * Measured: reading the fields of a rule takes less than half the time.
 */
export function readKey(fields: Fields, site: number, key: string): unknown {
  switch (site) {
    case 0:
      return fields[key];
    case 1:
      return fields[key];
    case 2:
      return fields[key];
    case 3:
      return fields[key];
    case 4:
      return fields[key];
    case 5:
      return fields[key];
    case 6:
      return fields[key];
    case 7:
      return fields[key];
    case 8:
      return fields[key];
    case 9:
      return fields[key];
    case 10:
      return fields[key];
    case 11:
      return fields[key];
    case 12:
      return fields[key];
    case 13:
      return fields[key];
    case 14:
      return fields[key];
    case 15:
      return fields[key];
    default:
      return fields[key];
  }
}
