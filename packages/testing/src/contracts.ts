export {
  aDecisionRecord,
  aFinishedRun,
  aRemediation,
  type AuditContractRunner,
  type AuditContractSubject,
  describeAuditContract,
} from './contracts/audit.ts';
