import { CliFailure } from '../cli-failure.ts';
import { EXIT } from '../exit-code.ts';

/** Flags of `emit` and `plan` that describe an event. */
export interface EventOptions {
  readonly type?: string;
  readonly service?: string;
  readonly host?: string;
  readonly region?: string;
  readonly environment?: string;
  readonly account?: string;
  readonly source?: string;
  readonly incidentKey?: string;
  readonly summary?: string;
  readonly attribute?: readonly string[];
  readonly id?: string;
  readonly time?: string;
}

/** An event that the node will judge: complete as far as the command line can tell, not validated. */
export type DraftEvent = Readonly<Record<string, unknown>> & { readonly id: string; readonly source: string };

/** Where an event gets what nobody wrote. */
export interface EventDefaults {
  readonly nowMs: number;
  newId(): string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Builds the event: flags win over the document, and what is missing is filled in (id, time, source, region and
 * environment of this machine). Whether it is valid is for the node to say, so that there is one judge.
 *
 * @throws CliFailure with exit code 2 for a document that is no object, or a wrong `--attribute`.
 */
export function eventFromOptions(
  options: EventOptions,
  document: unknown,
  defaults: EventDefaults,
): DraftEvent {
  const written = asObject(document);
  const flags = present({
    event_type: options.type,
    service: options.service,
    host: options.host,
    region: options.region,
    environment: options.environment,
    account: options.account,
    source: options.source,
    incident_key: options.incidentKey,
    summary: options.summary,
    id: options.id,
    time: options.time,
  });
  const attributes = parseAttributes(options.attribute ?? []);
  const filledIn = present({
    id: defaults.newId(),
    source: 'cli',
    time: new Date(defaults.nowMs).toISOString(),
    region: defaults.env.LAZARUS_REGION,
    environment: defaults.env.LAZARUS_ENVIRONMENT,
  });
  const merged = { ...filledIn, ...written, ...flags };
  if (Object.keys(attributes).length > 0) {
    Object.assign(merged, { attributes: { ...asObject(written.attributes), ...attributes } });
  }
  return merged as DraftEvent;
}

/** The id under which the node knows the event. */
export function eventIdOf({ source, id }: DraftEvent): string {
  return `${source}/${id}`;
}

function parseAttributes(pairs: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(pairs.map(parseAttribute));
}

/** `name=text` or `name:=json`. */
function parseAttribute(pair: string): readonly [string, unknown] {
  const parts = /^(?<name>[^=:]+)(?<kind>:?=)(?<value>.*)$/s.exec(pair)?.groups;
  if (parts === undefined) {
    throw new CliFailure(EXIT.invalid, `--attribute: found "${pair}", expected name=text or name:=json`);
  }
  const { name = '', kind, value = '' } = parts;
  return [name, kind === '=' ? value : parseJson(value, `--attribute ${name}`)];
}

/** @throws CliFailure with exit code 2. */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new CliFailure(EXIT.invalid, `${where}: is not JSON: ${(error as Error).message}`);
  }
}

function asObject(value: unknown): Record<string, unknown> {
  if (value === undefined) return {};
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new CliFailure(EXIT.invalid, 'expected one event, a JSON object');
}

function present(values: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined && value !== ''),
  );
}
