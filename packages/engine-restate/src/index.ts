export { createRestateEngine, type RestateEngine, type RestateEnginePorts } from './engine/restate-engine.ts';
export { RestateEngineOptions } from './options.ts';
