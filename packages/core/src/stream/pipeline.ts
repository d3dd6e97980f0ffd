/**
 * The event flow on one screen: deliveries in, decisions out, and the branches that watch them.
 *
 *   sensor a ─pull─▶ judge ─┐
 *   sensor b ─pull─▶ judge ─┼─▶ decisions$ ─┬─▶ notifications$ ─▶ notifier
 *   sensor c ─pull─▶ judge ─┘               ├─▶ metrics
 *   engine ─a run ended─▶ runs$ ────────────┴─▶ live$ (console, `--follow`, server-sent events)
 *
 * A lane is one node's sensor and controller; the next batch is pulled only when its room has a free place.
 *
 * Nothing here grows with what arrives: a lane holds what its room has places for, and while the notifier stands still the
 * notifications beyond a bound are dropped and counted. A page is no notification: it was escalated or acknowledged before
 * its decision appears here. Keeps L5.
 *
 * `judge` writes the audit record before a decision appears here, and acknowledges the delivery after it. Keeps S11.
 */
import { EMPTY, Observable, map, merge, mergeMap, of, share } from 'rxjs';
import type { Subscription } from 'rxjs';
import type { Controller } from '../controller/controller.ts';
import type { DecisionRecord } from '../decision/record.ts';
import { describeError } from '../errors/lazarus-error.ts';
import { withTimeout } from '../time/with-timeout.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { Meter } from '../ports/meter.ts';
import type { Notification, Notifier } from '../ports/notifier.ts';
import type { Delivery, Sensor } from '../ports/sensor.ts';
import type { RunOutcomes } from '../controller/run-outcomes.ts';
import type { RunView } from '../ports/workflow-engine.ts';
import { measureDecision, measureRun } from './measure.ts';
import { notificationOf, notificationOfRun } from './notifications.ts';
import { createRoom, pull } from './pull.ts';
import { shedMap } from './shed-map.ts';

/** One node's part of the flow: what it takes from the stream, and who decides about it. */
export interface Lane {
  readonly sensor: Sensor;
  readonly controller: Controller;
}

/** What a pipeline is made of. */
export interface PipelinePorts {
  readonly lanes: readonly Lane[];
  readonly outcomes: RunOutcomes;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
  readonly notifier?: Notifier;
}

/** One thing that happened, as the live view shows it. */
export type LiveEntry =
  | { readonly kind: 'decision'; readonly record: DecisionRecord }
  | { readonly kind: 'run'; readonly run: RunView };

/** A running pipeline. Subscribing or not changes nothing: the flow has its own subscription. */
export interface Pipeline {
  readonly decisions$: Observable<DecisionRecord>;
  readonly runs$: Observable<RunView>;
  readonly notifications$: Observable<Notification>;
  readonly live$: Observable<LiveEntry>;
  /** Deliveries in flight. */
  readonly inFlight: number;
  /** Notifications that were dropped because the notifier did not keep up. */
  readonly droppedNotifications: number;
  /** Resolves when the flow has ended; rejects when the sensor failed for good. */
  readonly ended: Promise<void>;
  /** Stops asking for more and ends every subscription. */
  close(): Promise<void>;
}

/** Bounds of a pipeline. */
export interface PipelineOptions {
  /** Most events that one lane decides at the same time, 1 to 10 000. @defaultValue 64 */
  readonly maxInFlight?: number;
  /** Most notifications that wait for the notifier; more are dropped. @defaultValue 1000 */
  readonly maxWaitingNotifications?: number;
  /** How long the notifier may take for one, milliseconds. @defaultValue 30000 */
  readonly notifyTimeoutMs?: number;
}

/** Connects sensors to controllers. */
export function createPipeline(options: PipelineOptions, ports: PipelinePorts): Pipeline {
  const lanes = ports.lanes.map((lane) => ({ ...lane, room: createRoom(options.maxInFlight ?? 64) }));

  const decisions$ = merge(
    ...lanes.map(({ sensor, controller, room }) =>
      pull(sensor, room, ports).pipe(
        mergeMap((delivery) => judge(delivery, controller, ports.log), room.size),
        leaveAfter(room),
      ),
    ),
  ).pipe(share());
  const runs$ = settledRuns(ports.outcomes).pipe(share());
  const notifications$ = merge(
    decisions$.pipe(mergeMap(notificationOf)),
    runs$.pipe(mergeMap(notificationOfRun)),
  ).pipe(share());
  const live$ = merge(
    decisions$.pipe(map((record): LiveEntry => ({ kind: 'decision', record }))),
    runs$.pipe(map((run): LiveEntry => ({ kind: 'run', run }))),
  ).pipe(share());

  const dropped = createDropCounter(ports);
  const branches: Subscription[] = [runs$.subscribe((run) => measureRun(ports.meter, run))];
  if (ports.notifier !== undefined) {
    const send = sending(ports.notifier, options.notifyTimeoutMs ?? 30_000, ports);
    const maxWaiting = options.maxWaitingNotifications ?? 1_000;
    const sent$ = notifications$.pipe(shedMap({ maxInFlight: 1, maxWaiting, onDropped: dropped.add }, send));
    branches.push(sent$.subscribe(dropped.delivered));
  }
  const ended = new Promise<void>((resolve, reject) => {
    branches.push(
      decisions$.subscribe({
        next: (record) => measureDecision(ports.meter, record),
        complete: resolve,
        error: reject,
      }),
    );
  });
  ended.catch((error: unknown) =>
    ports.log.error('the event flow ended; pages escalate by themselves', { error: describeError(error) }),
  );

  return {
    decisions$,
    runs$,
    notifications$,
    live$,
    ended,
    get inFlight() {
      return lanes.reduce((sum, { room }) => sum + room.inFlight, 0);
    },
    get droppedNotifications() {
      return dropped.count;
    },
    async close() {
      for (const branch of branches) branch.unsubscribe();
      await Promise.all(lanes.map(({ sensor }) => sensor.close()));
    },
  };
}

/** Decides and then acknowledges; a delivery without a durable record is handed out again. */
async function judge(
  delivery: Delivery,
  controller: Controller,
  log: Logger,
): Promise<DecisionRecord | undefined> {
  try {
    const record = await controller.decide(delivery.payload, { position: delivery.position });
    await delivery.ack();
    return record;
  } catch (error) {
    log.warn('an event was not concluded; it will be delivered again', {
      position: delivery.position,
      error: describeError(error),
    });
    await delivery.nack(describeError(error));
    return undefined;
  }
}

/** Makes room for the next delivery once a judgment is through, and drops what came to no record. */
function leaveAfter(room: { leave(): void }) {
  return mergeMap((record: DecisionRecord | undefined) => {
    room.leave();
    return record === undefined ? EMPTY : of(record);
  });
}

function settledRuns(outcomes: RunOutcomes): Observable<RunView> {
  return new Observable<RunView>((subscriber) => outcomes.onSettled((run) => subscriber.next(run)));
}

/** Sends one notification. A failed one is a log line: nothing waits for it and nothing stops. */
function sending(notifier: Notifier, timeoutMs: number, { clock, log }: PipelinePorts) {
  return async (notification: Notification, signal: AbortSignal): Promise<void> => {
    try {
      await withTimeout(clock, timeoutMs, signal, (deadline) =>
        notifier.send(notification, { signal: deadline }),
      );
    } catch (error) {
      if (signal.aborted) return;
      log.warn('a notification was not delivered', {
        kind: notification.kind,
        group: notification.group,
        error: describeError(error),
      });
    }
  };
}

/** Counts what was dropped, and says so once at the beginning of each time in which the notifier does not keep up. */
function createDropCounter({ log, meter }: Pick<PipelinePorts, 'log' | 'meter'>) {
  let count = 0;
  let isShedding = false;
  return {
    get count() {
      return count;
    },
    add: ({ kind, group }: Notification): void => {
      count += 1;
      meter?.count('lazarus_notifications_dropped_total', { kind });
      if (!isShedding)
        log.warn('the notifier does not keep up; notifications are dropped', { kind, group, dropped: count });
      isShedding = true;
    },
    /** One got through: the next drop is news again. */
    delivered: (): void => {
      isShedding = false;
    },
  };
}
