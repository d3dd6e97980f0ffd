import type { z } from 'zod';
import type { DocumentPath } from '../documents/document-path.ts';
import { parseYamlDocuments } from '../documents/parsed-document.ts';
import type { ParsedDocument } from '../documents/parsed-document.ts';
import { checkDocument, documentIssue } from '../documents/validate-document.ts';
import { ConfigurationError } from '../errors/lazarus-error.ts';
import type { Issue } from '../errors/lazarus-error.ts';
import type { ConfigDocument } from '../ports/config-source.ts';
import { ProfileSchema } from '../profiles/profile-schema.ts';
import type { ProfileDocument } from '../profiles/profile-schema.ts';
import { RuleSchema } from '../rules/rule-schema.ts';
import type { RuleDocument } from '../rules/rule-schema.ts';
import { ServiceSchema } from './service-schema.ts';
import type { ServiceDocument } from './service-schema.ts';
import { SettingsSchema } from './settings-schema.ts';
import type { SettingsDocument } from './settings-schema.ts';

/** A checked document and where it stands. */
export interface Loaded<T> {
  readonly value: T;
  readonly document: ParsedDocument;
}

/** All documents of a configuration, each checked by itself. */
export interface LoadedDocuments {
  readonly rules: readonly Loaded<RuleDocument>[];
  readonly profiles: readonly Loaded<ProfileDocument>[];
  readonly services: readonly Loaded<ServiceDocument>[];
  readonly settings: Loaded<SettingsDocument>;
}

const NO_SETTINGS: ParsedDocument = { file: 'settings', value: {}, locate: () => undefined };

/** Parses and checks every document; what is wrong with one does not hide what is wrong with the next. */
export function loadDocuments(documents: readonly ConfigDocument[], issues: Issue[]): LoadedDocuments {
  const rules = load(documents, 'rule', RuleSchema, issues);
  const profiles = load(documents, 'profile', ProfileSchema, issues);
  const services = load(documents, 'service', ServiceSchema, issues);
  const [settings, ...others] = load(documents, 'settings', SettingsSchema, issues);
  for (const other of others)
    issues.push(documentIssue(other.document, [], 'found a second settings document, expected one'));
  reportDuplicates(rules, (rule) => rule.name, ['name'], issues);
  reportDuplicates(profiles, (profile) => profile.profile, ['profile'], issues);
  reportDuplicates(services, (service) => service.service, ['service'], issues);
  return {
    rules,
    profiles,
    services,
    settings: settings ?? { value: SettingsSchema.parse({}), document: NO_SETTINGS },
  };
}

function load<S extends z.ZodType>(
  documents: readonly ConfigDocument[],
  kind: ConfigDocument['kind'],
  schema: S,
  issues: Issue[],
): readonly Loaded<z.output<S>>[] {
  const loaded: Loaded<z.output<S>>[] = [];
  for (const { path, text } of documents.filter((document) => document.kind === kind)) {
    for (const document of parse(text, path, issues)) {
      const checked = checkDocument(schema, document);
      if (checked.ok) loaded.push({ value: checked.value, document });
      else issues.push(...checked.issues);
    }
  }
  return loaded;
}

function parse(text: string, file: string, issues: Issue[]): readonly ParsedDocument[] {
  try {
    return parseYamlDocuments(text, { file });
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    issues.push(...error.issues);
    return [];
  }
}

function reportDuplicates<T>(
  loaded: readonly Loaded<T>[],
  nameOf: (value: T) => string,
  path: DocumentPath,
  issues: Issue[],
): void {
  const first = new Map<string, Loaded<T>>();
  for (const entry of loaded) {
    const name = nameOf(entry.value);
    const known = first.get(name);
    if (known === undefined) {
      first.set(name, entry);
      continue;
    }
    const place = known.document.locate(path);
    const where = place === undefined ? known.document.file : `${known.document.file}:${place.line}`;
    issues.push(documentIssue(entry.document, path, `the name ${JSON.stringify(name)} is taken by ${where}`));
  }
}
