import type { Need } from '../document/workflow-definition.ts';

/** The part of a step that the graph is made of. */
export interface GraphNode {
  readonly id: string;
  readonly needs: readonly Need[];
}

/** A checked graph. */
export interface Graph {
  /** Ids in an order in which every step comes after what it needs; declared order where that leaves a choice. */
  readonly order: readonly string[];
  /** Steps that can start together, wave by wave. */
  readonly waves: readonly (readonly string[])[];
  /** Everything that a step waits for, directly or not. */
  ancestors(id: string): ReadonlySet<string>;
  /** The ancestors that have certainly succeeded when the step starts. */
  succeededBefore(id: string): ReadonlySet<string>;
}

/** Outcome of {@link buildGraph}. */
export type GraphCheck =
  { readonly ok: true; readonly graph: Graph } | { readonly ok: false; readonly cycle: readonly string[] };

/** Sorts the steps topologically (Kahn), or names one cycle. Needs must name known steps. */
export function buildGraph(nodes: readonly GraphNode[]): GraphCheck {
  const done = new Set<string>();
  const waves: string[][] = [];
  while (done.size < nodes.length) {
    const wave = nodes.filter(
      (node) => !done.has(node.id) && node.needs.every((need) => done.has(need.step)),
    );
    if (wave.length === 0) return { ok: false, cycle: findCycle(nodes.filter((node) => !done.has(node.id))) };
    waves.push(wave.map((node) => node.id));
    for (const node of wave) done.add(node.id);
  }
  const byId = new Map(nodes.map((node) => [node.id, node]));
  return {
    ok: true,
    graph: {
      order: waves.flat(),
      waves,
      ancestors: (id) => reachable(id, byId, () => true),
      succeededBefore: (id) => reachable(id, byId, isOnSuccess),
    },
  };
}

const isOnSuccess = (need: Need): boolean => need.on.every((outcome) => outcome === 'succeeded');

/** Computed when it is asked for: the ancestors of all steps of a chain would be quadratically many. */
function reachable(
  from: string,
  byId: ReadonlyMap<string, GraphNode>,
  follows: (need: Need) => boolean,
): ReadonlySet<string> {
  const reached = new Set<string>();
  const open = [from];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const need of byId.get(id)?.needs ?? []) {
      if (!follows(need) || reached.has(need.step)) continue;
      reached.add(need.step);
      open.push(need.step);
    }
  }
  return reached;
}

/** Walks needs backwards until a step comes up twice: everything left over lies on or behind a cycle. */
function findCycle(rest: readonly GraphNode[]): readonly string[] {
  const byId = new Map(rest.map((node) => [node.id, node]));
  const path: string[] = [];
  let current = rest[0]?.id;
  while (current !== undefined && !path.includes(current)) {
    path.push(current);
    current = byId.get(current)?.needs.find((need) => byId.has(need.step))?.step;
  }
  if (current === undefined) return path;
  return [...path.slice(path.indexOf(current)), current].reverse();
}
