export type { ChainHead, ChainReport, EntryKind } from './chain.ts';
export type { RecentCommit, RecentObservation } from './history.ts';
export {
  createSqliteAudit,
  type SqliteAudit,
  SqliteAuditOptions,
  type SqliteAuditOptionsInput,
} from './sqlite-audit.ts';
