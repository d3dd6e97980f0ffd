export { CliFailure } from './cli-failure.ts';
export { EXIT, EXIT_MEANINGS, type ExitCode } from './exit-code.ts';
export { renderDecision, renderKind, renderOutcome, subjectOf } from './render/decision.ts';
export {
  type GateLineOptions,
  gatesNotReached,
  renderGateLine,
  renderGatesNotReached,
  renderVotes,
} from './render/gate.ts';
export { type LadderOptions, renderLadder } from './render/ladder.ts';
export { createPaint, oneLine, type Paint, type RenderOptions } from './render/paint.ts';
export { renderRun, renderRunLine } from './render/run.ts';
export { renderTable } from './render/table.ts';
export { run } from './run.ts';
export { type Terminal, wantsColor } from './terminal.ts';
