import { ConfigurationError, describeError } from '@lazarus/core';
import type * as SdkModule from '@restatedev/restate-sdk';

/** The SDK of Restate, an optional peer that is loaded when an engine is made. */
export type Sdk = typeof SdkModule;

/** @throws ConfigurationError `LZ_PORT_MISSING` when it is not installed. */
export async function loadSdk(): Promise<{ readonly sdk: Sdk; readonly version: string }> {
  try {
    const [sdk, manifest] = await Promise.all([
      import('@restatedev/restate-sdk'),
      import('@restatedev/restate-sdk/package.json', { with: { type: 'json' } }),
    ]);
    return { sdk, version: (manifest.default as { readonly version: string }).version };
  } catch (error) {
    throw new ConfigurationError({
      code: 'LZ_PORT_MISSING',
      summary: `the SDK of Restate could not be loaded: npm install @restatedev/restate-sdk (${describeError(error)})`,
      issues: [],
    });
  }
}
