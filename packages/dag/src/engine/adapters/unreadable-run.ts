import type { LazarusEvent } from '@lazarus/core';
import type { RunOutcome, RunRequest, RunView } from '@lazarus/core/ports';
import { DEFINITION_FORMAT } from '../../document/workflow-definition.ts';
import type { WorkflowDefinition } from '../../document/workflow-definition.ts';
import type { LoadedRun, StoredRun } from '../journal.ts';
import { journalView } from '../journal-view.ts';
import type { Row } from './sqlite-connection.ts';
import type { StoreRun } from './sqlite-store.ts';

/** A run of which not everything can be read: as much as is needed to tell a human about it. Keeps S10. */
export function unreadable({ run, request }: StoreRun, why: string): LoadedRun {
  const stored: StoredRun = {
    runId: String(run['id']),
    request: readRequest(request) ?? requestOf(run),
    inputs: {},
    definition: emptyDefinition(String(run['workflow']), String(run['definition'])),
    startedAtMs: Number(run['started_at']),
    deadlineAtMs: Number(run['deadline_at']),
    epoch: Number(run['epoch']),
  };
  return { run: stored, entries: [], signals: [], unreadable: why };
}

/** A run that ended with an outcome that cannot be read: nobody knows how its page ended, so a human is told. Keeps S10. */
export function unreadableView(stored: StoreRun, why: string): RunView {
  const { status, ended_at: endedAt } = stored.run;
  return {
    ...journalView(unreadable(stored, why)),
    status: status as RunOutcome,
    ...(endedAt === null ? {} : { ended_at: new Date(Number(endedAt)).toISOString() }),
  };
}

function readRequest(text: string): RunRequest | undefined {
  try {
    return (JSON.parse(text) as { readonly request: RunRequest }).request;
  } catch {
    return undefined;
  }
}

/** What the row of the run itself says. */
function requestOf(run: Row): RunRequest {
  const service = String(run['service']);
  const host = typeof run['host'] === 'string' ? run['host'] : undefined;
  const startedAtMs = Number(run['started_at']);
  const event: LazarusEvent = {
    id: String(run['id']),
    event_type: 'unreadable',
    source: 'journal',
    time: new Date(startedAtMs).toISOString(),
    region: '',
    environment: '',
    service,
    attributes: {},
  };
  return {
    runId: String(run['id']),
    workflow: String(run['workflow']),
    inputs: {},
    event,
    rule: '',
    configDigest: '',
    service,
    lock: host === undefined ? { kind: 'service', service } : { kind: 'host', service, host },
    timeoutMs: Number(run['deadline_at']) - startedAtMs,
    ...(host === undefined ? {} : { hostId: host }),
  };
}

function emptyDefinition(name: string, digest: string): WorkflowDefinition {
  return {
    format: DEFINITION_FORMAT,
    name,
    version: 0,
    description: '',
    inputs: {},
    timeouts: { workflowMs: 0, cleanupMs: 0 },
    lock: 'service',
    steps: [],
    onError: { compensate: 'none', steps: [] },
    finally: [],
    outputs: {},
    digest,
  };
}
