export { createPipeline } from './pipeline.ts';
export type { Lane, LiveEntry, Pipeline, PipelinePorts } from './pipeline.ts';
export { createRoom, pull } from './pull.ts';
export type { Room } from './pull.ts';
