import { didYouMean } from '@lazarus/core/documents';

/** Most names that a hint lists. */
const MAX_LISTED = 24;

/** What to write instead of a name that nobody knows: the nearest one, or all when they are few. */
export function hintFor(name: string, known: readonly string[]): string {
  const listed = known.slice(0, MAX_LISTED).join(', ');
  const more = known.length > MAX_LISTED ? ', …' : '';
  return didYouMean(name, known) ?? (known.length === 0 ? 'there is none' : `known here: ${listed}${more}`);
}
