import { parseYamlDocument } from '../documents/parsed-document.ts';
import { validateDocument } from '../documents/validate-document.ts';
import type { Loaded } from '../config/config-documents.ts';
import { ProfileSchema } from './profile-schema.ts';
import type { ProfileDocument } from './profile-schema.ts';
import { CASSANDRA } from './cassandra.ts';
import { ELASTIC_SEARCH } from './elastic-search.ts';
import { STATELESS_WITH_STANDBY_PIVOT } from './standby-pivot.ts';
import { STATELESS } from './stateless.ts';

/** Text of every profile that comes with Lazarus, by name. A document of the same name takes its place. */
export const BUILT_IN_PROFILES: ReadonlyMap<string, string> = new Map([
  ['stateless', STATELESS],
  ['stateless_with_standby_pivot', STATELESS_WITH_STANDBY_PIVOT],
  ['elastic_search', ELASTIC_SEARCH],
  ['cassandra', CASSANDRA],
]);

/** Reads a built-in profile. */
export function readBuiltInProfile(name: string): Loaded<ProfileDocument> | undefined {
  const text = BUILT_IN_PROFILES.get(name);
  if (text === undefined) return undefined;
  const document = parseYamlDocument(text, { file: `profile ${name}` });
  return { value: validateDocument(ProfileSchema, document), document };
}
