import { createRequire } from 'node:module';
import { ConfigurationError, describeError } from '@lazarus/core';
import type * as SdkModule from '@restatedev/restate-sdk';

/** The SDK of Restate, an optional peer that is loaded when an engine is made. */
export type Sdk = typeof SdkModule;

/** @throws ConfigurationError `LZ_PORT_MISSING` when it is not installed. */
export async function loadSdk(): Promise<{ readonly sdk: Sdk; readonly version: string }> {
  try {
    const sdk = await import('@restatedev/restate-sdk');
    const manifest = createRequire(import.meta.url)('@restatedev/restate-sdk/package.json') as {
      readonly version: string;
    };
    return { sdk, version: manifest.version };
  } catch (error) {
    throw new ConfigurationError({
      code: 'LZ_PORT_MISSING',
      summary: `the SDK of Restate could not be loaded: npm install @restatedev/restate-sdk (${describeError(error)})`,
      issues: [],
    });
  }
}
