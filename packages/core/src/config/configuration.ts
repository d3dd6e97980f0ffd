import type { Profile } from '../profiles/compile-profile.ts';
import type { Catalog } from './catalog.ts';
import type { LoadedDocuments } from './config-documents.ts';
import type { RuleEntry } from './rule-entry.ts';
import type { ConfigDigest } from './config-digest.ts';
import type { ServiceMap } from './service-map.ts';

/** A configuration whose documents were checked and joined, before it is a snapshot. */
export interface Configuration {
  readonly loaded: LoadedDocuments;
  readonly catalog: Catalog;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly services: ServiceMap;
  /** Rules that stand alone. */
  readonly rules: readonly RuleEntry[];
  readonly profileRules: ReadonlyMap<string, readonly RuleEntry[]>;
  readonly digest: ConfigDigest;
}
