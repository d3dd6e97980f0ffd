/** Configuration: documents compiled into snapshots, compared and linted. */
export { createEventTypes, type EventTypes } from '../events/event-types.ts';
export type { Finding, FindingCode } from '../lint/finding.ts';
export { lintConfig, type LintOptions } from '../lint/lint-config.ts';
export type { CatalogOptions, KnownPlugin, KnownWorkflow } from './catalog.ts';
export { compileConfig } from './compile-config.ts';
export type { CompiledSnapshot } from './compiled-snapshot.ts';
export { diffSnapshots, type SnapshotDiff } from './diff-snapshots.ts';
export { createSnapshotShelf, type SnapshotShelf } from './snapshot-shelf.ts';
export type { EffectiveRule, Provenance, RuleMatch, SnapshotSummary } from './snapshot.ts';
export { createRollouts, type RolloutPorts, type Rollouts } from '../rollout/rollouts.ts';
export type { RolloutView } from '../rollout/rollout-view.ts';
export { type RolloutInput, type RolloutState, stepRollout } from '../rollout/rollout.ts';
export type { RolloutTerms } from '../rollout/rollout-schema.ts';
