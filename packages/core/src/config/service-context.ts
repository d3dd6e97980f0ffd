import type { DocumentPath } from '../documents/document-path.ts';
import { didYouMean } from '../documents/suggest.ts';
import { checkDocument, documentIssue } from '../documents/validate-document.ts';
import type { Issue } from '../errors/lazarus-error.ts';
import { checkParameter } from '../profiles/parameter.ts';
import type { Profile } from '../profiles/compile-profile.ts';
import type { Catalog } from './catalog.ts';
import type { Loaded } from './config-documents.ts';
import type { ServiceDocument } from './service-schema.ts';
import { TUNABLE_NAMES, TunablesSchema } from './tunables.ts';
import type { TunableName, Tunables } from './tunables.ts';

/** A service as rules are resolved for it: its document, its profile and its overrides, checked. */
export interface ServiceContext {
  readonly service: string;
  readonly team?: string;
  readonly profile?: Profile;
  readonly tunables: Tunables;
  /** Overrides of parameters and checks, by the name they are written with. */
  readonly overrides: ReadonlyMap<string, unknown>;
  /** File of the service document; absent for services without one. */
  readonly file?: string;
  /** `services/web.yaml:4:3 (override)` */
  overrideFrom(name: string): string;
}

/** A service without a document: only rules that stand alone apply, with what settings and rules give. */
export function undocumentedService(service: string): ServiceContext {
  return { service, tunables: {}, overrides: new Map(), overrideFrom: () => 'no document' };
}

/** Checks a service document against its profile and makes the context that its rules are resolved in. */
export function readService(
  loaded: Loaded<ServiceDocument>,
  profiles: ReadonlyMap<string, Profile>,
  profileNames: readonly string[],
  catalog: Catalog,
  issues: Issue[],
): ServiceContext {
  const { value, document } = loaded;
  const profile = value.profile === undefined ? undefined : profiles.get(value.profile);
  if (value.profile !== undefined && profile === undefined && !profileNames.includes(value.profile)) {
    const hint = didYouMean(value.profile, profileNames) ?? `known: ${profileNames.join(', ')}`;
    issues.push(
      documentIssue(document, ['profile'], `no profile is called ${JSON.stringify(value.profile)}`, hint),
    );
  }
  const overrides = new Map<string, unknown>();
  const tunables: Record<string, unknown> = {};
  for (const [name, override] of Object.entries(value.overrides)) {
    if (isTunable(name)) tunables[name] = override;
    else if (checkOverride(loaded, name, override, profile, catalog, issues)) overrides.set(name, override);
  }
  return {
    service: value.service,
    team: value.team,
    ...(profile === undefined ? {} : { profile }),
    tunables: checkTunables(loaded, tunables, issues),
    overrides,
    file: document.file,
    overrideFrom: (name) => {
      const place = document.locate(['overrides', name], 'key');
      return `${[document.file, place?.line, place?.column].filter((part) => part !== undefined).join(':')} (override)`;
    },
  };
}

const isTunable = (name: string): name is TunableName => (TUNABLE_NAMES as readonly string[]).includes(name);

function checkTunables(
  { document }: Loaded<ServiceDocument>,
  tunables: Record<string, unknown>,
  issues: Issue[],
): Tunables {
  const checked = checkDocument(TunablesSchema, {
    file: document.file,
    value: tunables,
    locate: (path, part) => document.locate(['overrides', ...path], part),
  });
  if (checked.ok) return checked.value;
  issues.push(...checked.issues.map((issue) => ({ ...issue, path: `overrides.${issue.path}` })));
  return {};
}

function checkOverride(
  { document }: Loaded<ServiceDocument>,
  name: string,
  value: unknown,
  profile: Profile | undefined,
  catalog: Catalog,
  issues: Issue[],
): boolean {
  const path: DocumentPath = ['overrides', name];
  const parameter = profile?.value.parameters[name];
  if (parameter !== undefined) {
    const problem = checkParameter(parameter, value);
    if (problem === undefined) return true;
    issues.push(documentIssue(document, path, problem.message, problem.hint));
    return false;
  }
  if (catalog.checkSpellings.has(name)) return true;
  const known = [
    ...Object.keys(profile?.value.parameters ?? {}),
    ...TUNABLE_NAMES,
    ...catalog.checkSpellings.keys(),
  ];
  const what = profile === undefined ? 'a check' : `a parameter of profile ${profile.name}, a check`;
  const message = `nothing is called ${JSON.stringify(name)}, expected ${what} or one of ${TUNABLE_NAMES.join(', ')}`;
  issues.push(documentIssue(document, path, message, didYouMean(name, known)));
  return false;
}
