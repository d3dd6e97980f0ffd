export { createRegion } from './region.ts';
export type { Region } from './region.ts';
export type { RegionOptions } from './options.ts';
export type { InstanceView, RegionView, TargetGroupView } from './admin/region-view.ts';
export type { FaultOrder } from './faults/fault.ts';
export { StartupError } from './state/startup-error.ts';
