import { digestOf } from '../config/canonical-json.ts';
import type { Loaded } from '../config/config-documents.ts';
import type { ConfigDocument } from '../ports/config-source.ts';
import type { ProfileDocument } from '../profiles/profile-schema.ts';
import type { RolloutTerms } from './rollout-schema.ts';

/** One version of a profile. */
export interface ProfileEdit {
  /** Digest of what reaches the subscribers: how it is rolled out does not count. */
  readonly edit: string;
  /** Absent when an edit reaches everybody at once. */
  readonly terms?: RolloutTerms;
  /** The version itself, so that it can be kept beside the next one. */
  readonly document: ConfigDocument;
}

/** Names the version of a profile. */
export function profileEdit({ value, document }: Loaded<ProfileDocument>): ProfileEdit {
  const { rollout: _, ...content } = Object(document.value) as Record<string, unknown>;
  return {
    edit: digestOf(content),
    ...(value.rollout === undefined ? {} : { terms: value.rollout }),
    // JSON is YAML, and the text of a file may hold other documents, too.
    document: { kind: 'profile', path: document.file, text: JSON.stringify(document.value) },
  };
}
