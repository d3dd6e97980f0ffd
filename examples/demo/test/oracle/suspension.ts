import type { Oracle, Recording, Span } from './recording.ts';
import { effects, firstEffects, remediations, terminalRecords } from './recording.ts';

/** S14: after how long a pause holds on every node. */
const PAUSE_MS = 2_000;

/** S7: while the region is suspended nothing is decided to be done, and nothing begins. */
export const nothingWhileSuspended: Oracle = (recording) =>
  beginnings(recording, recording.suspended, 'S7', 'suspended');

/** S14: from 2 s after the kill switch was set until it was lifted nothing begins. */
export const nothingWhilePaused: Oracle = (recording) =>
  beginnings(
    recording,
    recording.paused.map(({ fromMs, untilMs }) => ({ fromMs: fromMs + PAUSE_MS, untilMs })),
    'S14',
    'paused',
  );

function beginnings(
  recording: Recording,
  spans: readonly Span[],
  id: string,
  state: string,
): readonly string[] {
  const during = (atMs: number): boolean =>
    spans.some(({ fromMs, untilMs }) => fromMs <= atMs && atMs <= untilMs);
  const decided = [...remediations(recording)]
    .filter(
      ([, { received_at: from, decided_at: until }]) => during(Date.parse(from)) && during(Date.parse(until)),
    )
    .map(([decisionId]) => `${id}: ${decisionId} was decided while ${state}`);
  const begun = firstEffects(recording)
    .filter(({ atMs }) => during(atMs))
    .map(({ action, decisionId }) => `${id}: ${action} for ${decisionId} while ${state}`);
  return [...decided, ...begun];
}

/** S13: what only notes what it would have done touches neither hosts nor pages. */
export const dryIsDry: Oracle = (recording) => {
  const notes = terminalRecords(recording).filter(
    ({ decision }) => decision.kind === 'notify_only' && decision.reason === 'mode',
  );
  const done = effects(recording);
  return notes.flatMap(({ event_id: id, incarnation, page }) => {
    const touched = done
      .filter(({ hostId }) => hostId !== '' && hostId === incarnation?.instanceId)
      .map(({ action, hostId }) => `S13: ${id} only notes, and there was ${action} of ${hostId}`);
    const timeline = recording.pages.find(({ incidentKey }) => incidentKey === page.incident_key);
    const paged = (timeline?.log ?? [])
      .filter(({ channel }) => channel === 'api')
      .map(({ type, by }) => `S13: ${id} only notes, and ${by} made ${type} on its page`);
    return [...touched, ...paged];
  });
};
