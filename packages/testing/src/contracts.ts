export { type ActionHarness, describeActionContract } from './contracts/action-contract.ts';
export {
  aDecisionRecord,
  aFinishedRun,
  aRemediation,
  type AuditHarness,
  describeAuditContract,
} from './contracts/audit-contract.ts';
export { type BudgetsHarness, describeBudgetsContract } from './contracts/budgets-contract.ts';
export { describeFleetContract, type FleetHarness } from './contracts/fleet-contract.ts';
export {
  describeHostActuatorContract,
  type HostActuatorHarness,
} from './contracts/host-actuator-contract.ts';
export {
  describeLoadBalancerContract,
  type LoadBalancerHarness,
} from './contracts/load-balancer-contract.ts';
export { describeLocksContract, type LocksHarness } from './contracts/locks-contract.ts';
export { describePausesContract, type PausesHarness } from './contracts/pauses-contract.ts';
export { describePagerContract, type PagerHarness } from './contracts/pager-contract.ts';
export {
  describePreconditionContract,
  type PreconditionCase,
  type PreconditionCases,
} from './contracts/precondition-contract.ts';
export {
  describeRolloutStoreContract,
  type RolloutStoreHarness,
} from './contracts/rollout-store-contract.ts';
export { describeSensorContract, type SensorHarness } from './contracts/sensor-contract.ts';
export type { ContractMatchers, ContractRunner } from './contracts/runner.ts';
export {
  describeWindowsContract,
  type WindowsContractBounds,
  type WindowsHarness,
} from './contracts/windows-contract.ts';
export {
  describeEngineConformance,
  type EngineConformanceOptions,
  type EngineHarness,
  type EngineProcess,
} from './lab/engine-conformance.ts';
export { gateAction, ProcessGate } from './lab/process-gate.ts';
export { createEngineLedger, type EngineLedger, SEVEN_STEPS } from './lab/engine-ledger.ts';
