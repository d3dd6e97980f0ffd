/** Configuration and matching: what the package's entry point offers of them. */
export type { CatalogOptions, KnownPlugin, KnownWorkflow } from './catalog.ts';
export { compileConfig } from './compile-config.ts';
export type { CompiledSnapshot } from './compiled-snapshot.ts';
export { defineEventType, type EventType } from '../events/event-type.ts';
export { createEventTypes, type EventTypes } from '../events/event-types.ts';
export { type EventParse, parseEvent } from '../events/parse-event.ts';
export { type CompiledPatterns, compilePatterns, type NamedPattern } from '../patterns/compile-patterns.ts';
export { diffSnapshots, type SnapshotDiff } from './diff-snapshots.ts';
export type { Finding, FindingCode } from '../lint/finding.ts';
export { lintConfig, type LintOptions } from '../lint/lint-config.ts';
