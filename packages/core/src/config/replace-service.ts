import { ConfigurationError } from '../errors/lazarus-error.ts';
import type { Issue } from '../errors/lazarus-error.ts';
import type { ConfigDocument } from '../ports/config-source.ts';
import { checkService } from './check-services.ts';
import type { Configuration } from './configuration.ts';
import { loadDocuments } from './config-documents.ts';
import { readService } from './service-context.ts';

/**
 * The configuration with one service replaced or added; everything else is shared. `undefined` when the service brings in a
 * profile that the configuration does not hold.
 *
 * @throws ConfigurationError `LZ_CONFIG_INVALID` with every issue of the document.
 */
export function replaceService(
  configuration: Configuration,
  document: ConfigDocument,
): Configuration | undefined {
  const { profiles, catalog, services, digest } = configuration;
  const issues: Issue[] = [];
  const [loaded] = loadDocuments([{ ...document, kind: 'service' }], issues).services;
  if (loaded === undefined) throw refuse(document, issues);
  const { profile } = loaded.value;
  if (profile !== undefined && !profiles.has(profile)) return undefined;
  const service = readService(loaded, profiles, [...profiles.keys()], catalog, issues);
  const changed: Configuration = {
    ...configuration,
    services: services.with(service),
    digest: digest.withService(service.service, loaded.document.value),
  };
  if (issues.length === 0) checkService(changed, service, issues);
  if (issues.length > 0) throw refuse(document, issues);
  return changed;
}

function refuse(document: ConfigDocument, issues: readonly Issue[]): ConfigurationError {
  return new ConfigurationError({ summary: `${document.path} was refused`, issues });
}
