import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildGraph } from '../src/index.ts';

/** Random graphs whose edges go from later to earlier steps, in a random order of declaration. */
const acyclic = fc
  .integer({ min: 1, max: 12 })
  .chain((count) =>
    fc.tuple(
      fc.constant(count),
      fc.array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), { maxLength: 30 }),
      fc.shuffledSubarray([...Array(count).keys()], { minLength: count }),
    ),
  )
  .map(([count, pairs, order]) =>
    order
      .map((index) => ({
        id: `s${index}`,
        needs: [
          ...new Set(pairs.filter(([from, to]) => from === index && to < from).map(([, to]) => to)),
        ].map((to) => ({ step: `s${to}`, on: ['succeeded'] as const })),
      }))
      .slice(0, count),
  );

describe('a graph', () => {
  it('orders every step after what it needs, and its ancestors are exactly what can be reached', () => {
    fc.assert(
      fc.property(acyclic, (nodes) => {
        const checked = buildGraph(nodes);
        if (!checked.ok) throw new Error('a graph without a cycle was refused');
        const { graph } = checked;
        const place = new Map(graph.order.map((id, index) => [id, index]));
        const reach = (id: string): ReadonlySet<string> => {
          const direct = nodes.find((node) => node.id === id)?.needs.map(({ step }) => step) ?? [];
          return new Set(direct.flatMap((step) => [step, ...reach(step)]));
        };
        for (const node of nodes) {
          for (const need of node.needs) expect(place.get(need.step)).toBeLessThan(place.get(node.id) ?? -1);
          expect(graph.ancestors(node.id)).toEqual(reach(node.id));
        }
        expect(graph.waves.flat().sort()).toEqual(nodes.map(({ id }) => id).sort());
      }),
    );
  });

  it('names a cycle that is really there', () => {
    fc.assert(
      fc.property(acyclic, fc.nat(11), (nodes, at) => {
        const first = nodes[at % nodes.length];
        if (first === undefined) return;
        const ring = [
          ...nodes.filter(({ id }) => id !== first.id),
          { id: first.id, needs: [...first.needs, { step: 'x', on: ['succeeded'] as const }] },
          { id: 'x', needs: [{ step: first.id, on: ['succeeded'] as const }] },
        ];
        const checked = buildGraph(ring);
        if (checked.ok) throw new Error('a cycle was not found');
        const { cycle } = checked;
        expect(cycle[0]).toBe(cycle.at(-1));
        for (const [index, id] of cycle.slice(1).entries()) {
          expect(ring.find((node) => node.id === id)?.needs.map(({ step }) => step)).toContain(cycle[index]);
        }
      }),
    );
  });
});
