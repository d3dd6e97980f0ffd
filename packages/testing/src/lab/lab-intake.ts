import type { LabAgenda } from './lab-agenda.ts';
import type { LabNodes } from './lab-nodes.ts';
import type { LabEvent } from './lab-options.ts';
import type { LabSetting } from './lab-setting.ts';
import type { LabDiary } from './lab-trace.ts';

/** Age at which another node takes what a dead one had taken. @remarks Source: lease of a shard of the stream. */
const REDELIVER_AFTER_MS = 10_000;

/** What became of an event on its way to a record. */
export interface Emission {
  readonly eventId: string;
  readonly payload: LabEvent;
  readonly incidentKey: string | undefined;
  readonly emittedAtMs: number;
  /** Node that has taken it; nobody while it waits for another one. */
  node: string | undefined;
}

/** The way of events into a lab: they get what a test left out, a page and a node. */
export interface LabIntake {
  /** The event with everything that a test may leave out; makes it true in the world. */
  complete(event: LabEvent): { readonly payload: LabEvent; readonly incidentKey: string | undefined };
  /** Opens the page of an event and hands it to a node; returns the id under which its outcome is found. */
  emit(event: LabEvent, wanted: string | undefined): string;
  /** What a node that died had taken and not concluded goes to another one, after a while. */
  takeFrom(node: string): void;
  /** What waits for a node goes to this one. */
  giveTo(node: string): Promise<void>;
  find(eventId: string): Emission;
  isAllConcluded(): Promise<boolean>;
}

/** Creates a {@link LabIntake} that no event has come through. */
export function createLabIntake(
  setting: LabSetting,
  nodes: LabNodes,
  agenda: LabAgenda,
  diary: LabDiary,
): LabIntake {
  const { clock, random, region, world } = setting;
  const emissions: Emission[] = [];

  const isConcluded = async ({ eventId }: Emission): Promise<boolean> =>
    (await world.audit.byEvent(eventId))?.terminal === true;
  const withDefaults = (event: LabEvent): LabEvent & { readonly id: string } => {
    const { service = 'web', host } = event;
    return {
      id: `event-${emissions.length + 1}`,
      event_type: 'HealthcheckDown',
      source: 'lab',
      time: new Date(clock.now()).toISOString(),
      region,
      environment: 'prod',
      service,
      incident_key: host === undefined ? service : `${service}/${host}`,
      attributes: {},
      ...event,
    };
  };
  const deliver = (emission: Emission, wanted: string | undefined): void => {
    const [first, ...others] = nodes.living;
    const { event_type: type = '', id = '' } = emission.payload;
    if (first === undefined) {
      diary.note(`${type} ${id} arrives, and no node lives`);
      return;
    }
    const node = wanted === undefined ? random.pick([first, ...others]) : nodes.get(wanted);
    emission.node = node.id;
    diary.note(`${type} ${id} is taken by ${node.id}`);
    node.stream.push(emission.payload);
  };
  const complete: LabIntake['complete'] = (event) => {
    const { incident_key: incidentKey, ...payload } = withDefaults(event);
    const { service = 'web', environment = 'prod', host } = payload;
    world.believe(service, environment, host);
    return typeof incidentKey === 'string'
      ? { payload: { ...payload, incident_key: incidentKey }, incidentKey }
      : { payload, incidentKey: undefined };
  };

  return {
    complete,
    emit: (event, wanted) => {
      const { payload, incidentKey } = complete(event);
      if (incidentKey !== undefined) world.pager.open(incidentKey);
      const eventId = `${payload.source ?? 'lab'}/${payload.id ?? ''}`;
      const emission = { eventId, payload, incidentKey, emittedAtMs: clock.now(), node: undefined };
      emissions.push(emission);
      deliver(emission, wanted);
      return eventId;
    },
    takeFrom: (node) => {
      for (const emission of emissions) {
        if (emission.node !== node) continue;
        emission.node = undefined;
        agenda.plan(REDELIVER_AFTER_MS, async () => {
          if (!(await isConcluded(emission))) deliver(emission, undefined);
        });
      }
    },
    giveTo: async (node) => {
      for (const emission of emissions)
        if (emission.node === undefined && !(await isConcluded(emission))) deliver(emission, node);
    },
    find: (eventId) => {
      const emission = emissions.find((each) => each.eventId === eventId);
      if (emission === undefined) throw new Error(`the lab has emitted no event ${eventId}`);
      return emission;
    },
    isAllConcluded: async () => {
      for (const emission of emissions) if (!(await isConcluded(emission))) return false;
      return true;
    },
  };
}
