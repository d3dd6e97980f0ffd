/**
 * The flow of events as RxJS observables, and its parts for a flow of your own:
 *
 * | name | what it is |
 * | --- | --- |
 * | `createPipeline` | sensors, controllers and everything that watches them, connected |
 * | `createIntake` | a sensor with a fixed number of places, for programs that are told of events |
 * | `pull` | deliveries of a sensor as an observable that asks only when there is room |
 * | `createRoom` | the places that `pull` asks for |
 * | `shedMap` | like `concatMap` and `mergeMap`, with a bound on what waits; what is above it is dropped and told of |
 *
 * What waits does so by the clock that was passed in (an intake without one takes the system's), and not beyond `close()`.
 */
export { createIntake, IntakeOptions } from './intake.ts';
export type { GivenUp, Intake, IntakePorts, Offer } from './intake.ts';
export { createPipeline } from './pipeline.ts';
export type { Lane, LiveEntry, Pipeline, PipelineOptions, PipelinePorts } from './pipeline.ts';
export { createRoom, pull } from './pull.ts';
export type { Room } from './pull.ts';
export { shedMap, type ShedOptions } from './shed-map.ts';
