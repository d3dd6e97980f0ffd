import type { ErrorCode } from './codes.ts';

const BRAND: unique symbol = Symbol.for('lazarus.error') as never;

/** What an error is made from. */
export interface LazarusErrorInit {
  readonly code: ErrorCode;
  /** What happened, to which thing, and what to do. */
  readonly message: string;
  /** Variables of the message, for machines. Never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * Base of all errors. Errors are for broken configuration, broken I/O and broken invariants; refusing to act is a value.
 * Recognize one with {@link isLazarusError}, which also holds over two copies of the package.
 */
export class LazarusError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(init: LazarusErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = new.target.name;
    this.code = init.code;
    this.details = Object.freeze({ ...init.details });
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** True for errors of Lazarus, whichever copy of the package made them. */
export function isLazarusError(value: unknown): value is LazarusError {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[BRAND] === true;
}

/** One problem in a document: where, what was found, what was expected. */
export interface Issue {
  /** `rules/host-down.yaml` */
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
  /** 1-based. */
  readonly column?: number;
  /** `prechecks[1].checkName` */
  readonly path: string;
  readonly message: string;
  /** "did you mean …", or what to do. */
  readonly hint?: string;
}

/** `file:line:column path message (hint)`, one line. */
export function formatIssue(issue: Issue): string {
  const place = [issue.file, issue.line, issue.column].filter((part) => part !== undefined).join(':');
  const text = [place, issue.path, issue.message].filter((part) => part !== '').join(' ');
  return issue.hint === undefined ? text : `${text} (${issue.hint})`;
}

/** Configuration or options are wrong. Carries every issue, not only the first. */
export class ConfigurationError extends LazarusError {
  readonly issues: readonly Issue[];

  constructor(init: {
    readonly code?:
      | 'LZ_CONFIG_INVALID'
      | 'LZ_OPTION_INVALID'
      | 'LZ_PORT_MISSING'
      | 'LZ_DEFINITION_INVALID'
      | 'LZ_PATTERN_INVALID'
      | 'LZ_EXPRESSION_INVALID'
      | 'LZ_EVENT_INVALID';
    readonly summary: string;
    readonly issues: readonly Issue[];
    readonly cause?: unknown;
  }) {
    super({
      code: init.code ?? 'LZ_CONFIG_INVALID',
      message: [init.summary, ...init.issues.map((issue) => `  ${formatIssue(issue)}`)].join('\n'),
      details: { issues: init.issues },
      cause: init.cause,
    });
    this.issues = init.issues;
  }
}

/** I/O of a port failed. */
export class PortError extends LazarusError {
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(init: LazarusErrorInit & { readonly retryable: boolean; readonly retryAfterMs?: number }) {
    super(init);
    this.retryable = init.retryable;
    this.retryAfterMs = init.retryAfterMs;
  }
}

/** A lease was lost: stop before the next effect. Keeps S4. */
export class LeaseLostError extends LazarusError {
  constructor(init: Omit<LazarusErrorInit, 'code'>) {
    super({ ...init, code: 'LZ_LOCK_LOST' });
  }
}

/** A workflow, or one of its steps, failed after its own policy. */
export class WorkflowError extends LazarusError {}

/** Our own bug: stop acting, escalate, keep observing. */
export class InvariantError extends LazarusError {
  constructor(init: Omit<LazarusErrorInit, 'code'>) {
    super({ ...init, code: 'LZ_INVARIANT_BROKEN' });
  }
}

/** Asserts what the code itself relies on. @throws InvariantError `LZ_INVARIANT_BROKEN`. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError({ message: `invariant broken: ${message}` });
}

/** One line for logs and records from anything that was thrown; never a stack. */
export function describeError(error: unknown): string {
  if (isLazarusError(error)) return `${error.code}: ${error.message}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
