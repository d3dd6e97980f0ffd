/**
 * Every error code of Lazarus: what it means and what to do. `docs/reference/errors.md` is generated from this table,
 * and a test keeps table, docs and `@throws` in agreement.
 */
export const ERROR_CODES = {
  LZ_CONFIG_INVALID: {
    summary: 'A rule, profile, service, workflow or settings document was refused.',
    remedy: 'Correct the position that the message names; the last good configuration stays in force.',
  },
  LZ_CONFIG_UNREADABLE: {
    summary: 'The configuration could not be read as a whole.',
    remedy: 'Check that the directory exists and is readable; the last good configuration stays in force.',
  },
  LZ_OPTION_INVALID: {
    summary: 'An option given to a constructor is missing, unknown or out of range.',
    remedy: 'Correct the option that the message names.',
  },
  LZ_PORT_MISSING: {
    summary: 'A port that this composition needs was not passed.',
    remedy: 'Pass the port, or leave out the feature that needs it.',
  },
  LZ_DEFINITION_INVALID: {
    summary: 'A precondition, event type or action is not well defined (name, summary or schema).',
    remedy: 'Correct the definition that the message names.',
  },
  LZ_PATTERN_INVALID: {
    summary: 'An event pattern was refused.',
    remedy: 'Correct the pattern at the position that the message names.',
  },
  LZ_EVENT_INVALID: {
    summary: 'A value is not a valid event.',
    remedy: 'Send the fields that the message names; see docs/reference/events.md.',
  },
  LZ_STREAM_DEPOSIT: {
    summary: 'The stream did not accept an event.',
    remedy: 'Send it again: an event id is counted once however often it arrives.',
  },
  LZ_STREAM_READ: {
    summary: 'The stream could not be read.',
    remedy: 'Check the endpoint and the credentials; reading goes on by itself, pages escalate meanwhile.',
  },
  LZ_FLEET_UNAVAILABLE: {
    summary: 'The provider did not list the hosts.',
    remedy: 'Check the provider; nothing is acted on until it answers.',
  },
  LZ_PROBE_FAILED: {
    summary: 'This node could not look at a healthcheck: it has no socket, no route or no name server.',
    remedy: 'Check the network of the node; nothing is concluded about the host.',
  },
  LZ_PROBE_REFUSED: {
    summary:
      'A healthcheck was not probed: the inventory has no URL for the host, or one that must not be called.',
    remedy: 'Correct the health tags of the host at the provider; until then nothing is concluded about it.',
  },
  LZ_LOCK_UNAVAILABLE: {
    summary: 'The lock store did not answer in time.',
    remedy: 'Check the store; events are escalated until it answers.',
  },
  LZ_LOCK_LOST: {
    summary: 'A lease was lost while it was in use.',
    remedy: 'None: the run stops before its next effect and escalates.',
  },
  LZ_WINDOWS_UNAVAILABLE: {
    summary: 'The event windows did not answer in time.',
    remedy: 'Check the store; everything is suspended until it answers.',
  },
  LZ_BUDGET_UNAVAILABLE: {
    summary: 'The blast-radius budget could not be read.',
    remedy: 'Check the store; unreadable counts as spent.',
  },
  LZ_BUDGET_REFUSED: {
    summary: 'A destructive call came without a reservation in the blast-radius budget.',
    remedy:
      'None at run time: the run stops and escalates. Look for a workflow started outside the decision.',
  },
  LZ_PAUSE_UNAVAILABLE: {
    summary: 'The pause store did not answer.',
    remedy: 'Check the store; unreachable counts as paused.',
  },
  LZ_PAGER_UNAVAILABLE: {
    summary: 'The pager service did not answer as expected.',
    remedy:
      'None needed: an untouched page escalates by itself. Check credentials and rate limit if it persists.',
  },
  LZ_NOTIFY_FAILED: {
    summary: 'A notification could not be delivered.',
    remedy: 'Check the channel; remediation and paging do not depend on it.',
  },
  LZ_ACTUATOR_TRANSIENT: {
    summary: 'The provider refused or failed a call in a way that may pass.',
    remedy: 'None: the step is retried with the same idempotency key.',
  },
  LZ_ACTUATOR_REFUSED: {
    summary: 'The provider refused a call for good.',
    remedy: 'Read the provider code in the message: rights, limits, protection or a wrong target.',
  },
  LZ_ACTUATOR_PROTECTED: {
    summary: 'The target is Lazarus itself, is protected, or has not opted in.',
    remedy: 'Tag the host as managed at the provider if Lazarus may act on it.',
  },
  LZ_AUDIT_UNAVAILABLE: {
    summary: 'The audit log could not be written or read.',
    remedy: 'Check disk space and permissions; nothing is acted on without a durable record.',
  },
  LZ_AUDIT_CORRUPT: {
    summary: 'The hash chain of the audit log is broken.',
    remedy: 'Keep the file for examination and start with a fresh one.',
  },
  LZ_JOURNAL_UNAVAILABLE: {
    summary: 'The workflow journal could not be written or read.',
    remedy: 'Check disk space and permissions; no new run starts until it works.',
  },
  LZ_JOURNAL_FENCED: {
    summary: 'Another process took the run over.',
    remedy: 'None: this process stops before its next effect.',
  },
  LZ_WORKFLOW_UNKNOWN: {
    summary: 'No workflow or action has this name.',
    remedy: 'Check the spelling; the message suggests the nearest name.',
  },
  LZ_WORKFLOW_CHANGED: {
    summary: 'The workflow was edited after the decision to run it.',
    remedy: 'None: nothing was started and the page was escalated; the next event runs the new definition.',
  },
  LZ_WORKFLOW_INPUT: {
    summary: 'The inputs do not fit the workflow.',
    remedy: 'Give the inputs that the message names.',
  },
  LZ_WORKFLOW_STEP_FAILED: {
    summary: 'A step failed after its own retries.',
    remedy: 'Read the step and the cause in the run; the page was escalated.',
  },
  LZ_WORKFLOW_STEP_TIMEOUT: {
    summary: 'A step did not end within its timeout.',
    remedy: 'Raise the timeout of the step if the time was legitimate; the page was escalated.',
  },
  LZ_WORKFLOW_TIMEOUT: {
    summary: 'A run did not end within its workflow_timeout.',
    remedy: 'Raise workflow_timeout for the service if the time was legitimate; the page was escalated.',
  },
  LZ_WORKFLOW_CANCELED: {
    summary: 'A run was stopped at a safe point (human touch, pause, lost lease or spent budget).',
    remedy: 'None: the page was escalated with the reason.',
  },
  LZ_WORKFLOW_REVALIDATION: {
    summary: 'The preconditions no longer held right before acting.',
    remedy: 'None: nothing was done and the page was escalated.',
  },
  LZ_EXPRESSION_INVALID: {
    summary: 'An expression does not parse, or its types do not fit.',
    remedy: 'Correct the expression at the position that the message names.',
  },
  LZ_VOTE_TRANSPORT: {
    summary: 'A node could not be asked for its vote.',
    remedy:
      'Check the node and the network between the nodes; one missing vote does not stop decisions, two do.',
  },
  LZ_FAULT_REFUSED: {
    summary: 'A fault was not injected: kind or target is not allowed.',
    remedy: 'Check the experiment and the allow-list of the environment.',
  },
  LZ_INVARIANT_BROKEN: {
    summary: 'An assumption of the code itself does not hold.',
    remedy: 'Report it with the decision record; the event was escalated and nothing was done.',
  },
} as const satisfies Readonly<Record<string, { readonly summary: string; readonly remedy: string }>>;

/** Code of an error: `LZ_AREA_CONDITION`. */
export type ErrorCode = keyof typeof ERROR_CODES;
