import { ConfigurationError } from '@lazarus/core';
import type { LazarusEvent } from '@lazarus/core';
import type {
  Clock,
  FencingToken,
  Fleet,
  HealthProbe,
  HostActuator,
  Json,
  LoadBalancer,
  Logger,
  Notifier,
  Pager,
  RunRequest,
} from '@lazarus/core/ports';
import type { z } from 'zod';

/** Runs a command on a host, through whatever agent the embedder has. */
export interface HostCommands {
  /**
   * Runs one of the embedder's named commands; never a free shell text.
   *
   * @throws PortError `LZ_ACTUATOR_TRANSIENT`, `LZ_ACTUATOR_REFUSED`.
   */
  run(call: {
    readonly hostId: string;
    readonly command: string;
    readonly args: Readonly<Record<string, string>>;
    readonly idempotencyKey: string;
    readonly decisionId: string;
    readonly signal: AbortSignal;
  }): Promise<{ readonly exitCode: number; readonly output: string }>;
}

/** Changes the size of a service and restarts its software. Idempotent by `idempotencyKey`. */
export interface ServiceActuator {
  /** @throws PortError `LZ_ACTUATOR_TRANSIENT`, `LZ_ACTUATOR_REFUSED`. */
  setDesiredHosts(call: {
    readonly service: string;
    readonly hosts: number;
    readonly idempotencyKey: string;
    readonly decisionId: string;
    readonly signal: AbortSignal;
  }): Promise<{ readonly before: number }>;
  /** Hosts that are in service now. */
  activeHosts(service: string, options: { readonly signal: AbortSignal }): Promise<number>;
}

/** Calls an HTTP endpoint that the operator allowed; the adapter guards against requests to internal addresses. */
export interface HttpCaller {
  call(request: {
    readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly signal: AbortSignal;
  }): Promise<{ readonly status: number; readonly body: string }>;
}

/** Everything that built-in actions may reach. A workflow whose actions need a port that is missing is refused. */
export interface ActionPorts {
  readonly pager?: Pager;
  readonly hosts?: HostActuator;
  readonly loadBalancer?: LoadBalancer;
  readonly probe?: HealthProbe;
  readonly notifier?: Notifier;
  readonly commands?: HostCommands;
  readonly services?: ServiceActuator;
  readonly http?: HttpCaller;
  readonly fleet?: Fleet;
}

/** Name of a port of {@link ActionPorts}. */
export type ActionPortName = keyof ActionPorts;

/** What an action is given besides its input. */
export interface ActionContext {
  readonly run: RunRequest;
  readonly event: LazarusEvent;
  readonly step: string;
  /** The same for all attempts of the step, over crashes and processes; 64 hex characters. Keeps S1. */
  readonly idempotencyKey: string;
  /** 1 for the first attempt or poll. */
  readonly attempt: number;
  /** Wall time at which the step began, the same for all attempts; milliseconds. */
  readonly startedAtMs: number;
  /** Output of the poll before this one. */
  readonly previous?: Json;
  /** Aborts when the attempt times out or the run lost its lock or lease. */
  readonly signal: AbortSignal;
  /** Token of the run's lock, for stores that can refuse an older holder. */
  readonly fence?: FencingToken;
  readonly ports: ActionPorts;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Answer of a check hook: whether the effect of an earlier attempt is there, and what it gave. */
export type EffectCheck<O> = { readonly happened: true; readonly output: O } | { readonly happened: false };

/** What an action would do: words for people and the same as data, without a call that changes anything. Keeps S13. */
export interface DryRun {
  /** One sentence, from the verb on: "launches a host like i-1". */
  readonly summary: string;
  /** What it would touch: `host`, `service`, `url`, and whatever else tells. */
  readonly changes: Readonly<Record<string, Json>>;
}

/** What a dry run is given: where the run stands, and nothing to act with. */
export type DryRunContext = Pick<ActionContext, 'run' | 'event' | 'step'>;

/** How to undo an action: another action, with inputs made from input and output. */
export interface Undo<I, O> {
  readonly uses: string;
  with(input: I, output: O): Readonly<Record<string, Json>>;
}

/**
 * What of the hosts among its inputs an action changes: nothing, their membership in the load balancer (`entry` puts them
 * in, `exit` takes them out), or their life, which stands for anything at all.
 */
export type HostTouch = 'nothing' | 'entry' | 'exit' | 'life';

/** Inert description of an action plus its code; the loader, the docs, the lab and the coordinator read it. */
export interface Action<I = unknown, O = unknown> {
  readonly kind: 'action';
  readonly name: string;
  readonly version: number;
  readonly summary: string;
  readonly input: z.ZodType<I>;
  readonly output: z.ZodType<O>;
  readonly requires: readonly ActionPortName[];
  /** Only looks: it may be polled and repeated freely. */
  readonly readOnly: boolean;
  /** Budget and re-validation apply. Keeps S3 and S6. */
  readonly destructive: boolean;
  /** What it changes of its hosts, so that a run does not take its own doing for that of a person. */
  readonly touches: HostTouch;
  /** Repeating it with the same idempotency key changes nothing more. */
  readonly idempotent: boolean;
  check?(input: I, context: ActionContext): Promise<EffectCheck<O>>;
  readonly undo?: Undo<I, O>;
  /** What it would do. Shadow mode, `plan` and the lab say it instead of doing it; it gets no ports. Keeps S13. */
  dry?(input: I, context: DryRunContext): DryRun;
  run(input: I, context: ActionContext): Promise<O>;
}

/** Options of {@link defineAction}. */
export interface ActionOptions<I extends z.ZodType, O extends z.ZodType> {
  /** `area.verb`, for example `host.clone`. */
  readonly name: string;
  /** 1 or more; a change that breaks users is a new version. */
  readonly version: number;
  readonly summary: string;
  /** A strict object: its keys are the keys of `with`. */
  readonly input: I;
  readonly output: O;
  /** @defaultValue none */
  readonly requires?: readonly ActionPortName[];
  /** @defaultValue false */
  readonly readOnly?: boolean;
  /** @defaultValue false */
  readonly destructive?: boolean;
  /**
   * What it changes of the hosts among its inputs. A run stops when somebody else changes its host; what its own actions
   * touch is explained by them. The default is always safe; saying less lets the run notice more.
   *
   * @defaultValue `nothing` for an action that only looks, `life` for every other
   */
  readonly touches?: HostTouch;
  /** Needed unless there is a `check` hook or the action only looks. */
  readonly idempotent?: boolean;
  /** "Did it happen?": asked before a step is repeated whose result is unknown. */
  check?(input: z.output<I>, context: ActionContext): Promise<EffectCheck<z.output<O>>>;
  readonly undo?: Undo<z.output<I>, z.output<O>>;
  /**
   * What it would do, in words and data; made from the input alone.
   *
   * @defaultValue the summary of the action and the names of its inputs
   */
  dry?(input: z.output<I>, context: DryRunContext): DryRun;
  run(input: z.output<I>, context: ActionContext): Promise<z.output<O>>;
}

const NAME = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$/;

/**
 * Describes an action. Nothing runs; the result is data that a registry holds.
 *
 * @throws ConfigurationError `LZ_DEFINITION_INVALID` when the name is malformed, or when the action neither says that it
 * is idempotent nor has a `check` hook: a resumed run could then only guess (keeps S12); or when it says that it only looks
 * and that it changes something.
 */
export function defineAction<I extends z.ZodType, O extends z.ZodType>(
  options: ActionOptions<I, O>,
): Action<z.output<I>, z.output<O>> {
  const readOnly = options.readOnly ?? false;
  const destructive = options.destructive ?? false;
  const touches = options.touches ?? (readOnly ? 'nothing' : 'life');
  const idempotent = readOnly || (options.idempotent ?? false);
  const problems = [
    NAME.test(options.name) ? '' : `the name ${JSON.stringify(options.name)} is not like area.verb`,
    Number.isInteger(options.version) && options.version >= 1
      ? ''
      : `version ${options.version} is not a whole number from 1`,
    idempotent || options.check !== undefined
      ? ''
      : 'it is not idempotent and has no check hook, so it could not be resumed',
    readOnly && destructive ? 'it cannot only look and be destructive' : '',
    readOnly && touches !== 'nothing' ? `it cannot only look and touch ${JSON.stringify(touches)}` : '',
  ].filter((problem) => problem !== '');
  if (problems.length > 0) {
    throw new ConfigurationError({
      code: 'LZ_DEFINITION_INVALID',
      summary: `action ${options.name}@${options.version} was refused`,
      issues: problems.map((message) => ({ path: '', message })),
    });
  }
  return {
    kind: 'action',
    name: options.name,
    version: options.version,
    summary: options.summary,
    input: options.input as z.ZodType<z.output<I>>,
    output: options.output as z.ZodType<z.output<O>>,
    requires: options.requires ?? [],
    readOnly,
    destructive,
    touches,
    idempotent,
    dry: options.dry ?? ((input) => describeInput(options.summary, input)),
    run: options.run,
    ...(options.check === undefined ? {} : { check: options.check }),
    ...(options.undo === undefined ? {} : { undo: options.undo }),
  };
}

/**
 * What can be said about any action: its summary, and the names of its inputs. Never their values, because only the
 * action knows which of them are secrets. Keeps S17.
 */
export function describeInput(summary: string, input: unknown): DryRun {
  const inputs = typeof input === 'object' && input !== null ? Object.keys(input) : [];
  return { summary, changes: { inputs } };
}

/** `host.clone@1` */
export function actionId(action: Pick<Action, 'name' | 'version'>): string {
  return `${action.name}@${action.version}`;
}
