import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { builtinActions, createActionRegistry, defineAction, dryRunWorkflow } from '../src/index.ts';
import { aRequest, event, registry, shipped, workflow } from './support/bench.ts';

const context = { run: aRequest(), event, step: 's' };

/** Inputs that each built-in action takes. */
const INPUTS: Readonly<Record<string, unknown>> = {
  'pager.acknowledge': { incident: 'INC-1' },
  'pager.resolve': { incident: 'INC-1' },
  'pager.escalate': { incident: 'INC-1', reason: 'r' },
  'host.clone': { from: 'i-old' },
  'host.set_state': { host: 'i-old', state: 'forensics', keep: '3d' },
  'host.command': { host: 'i-old', command: 'restart' },
  'host.query': { host: 'i-old', command: 'status' },
  'host.find_peer': { of: 'i-old', same_tag: 'shard', role: 'standby' },
  'service.set_hosts': { service: 'web', hosts: 4 },
  'service.active_hosts': { service: 'web' },
  'notify.send': { text: 'hello' },
  'http.get': { url: 'https://example.org/' },
  'http.call': { method: 'POST', url: 'https://example.org/' },
};

describe('a built-in action', () => {
  it.each(builtinActions.map((action) => [action.name, action] as const))(
    '%s says what it would do in words of its own, with nothing to act with',
    (name, action) => {
      const input = action.input.parse(INPUTS[name] ?? { host: 'i-old' });
      const dry = action.dry?.(input, context);
      expect(dry?.summary).toMatch(/^[a-z].*[a-z0-9>/]$/);
      expect(dry?.summary).not.toBe(action.summary);
      const isEffect = !action.readOnly && name !== 'notify.send';
      expect(Object.keys(dry?.changes ?? {}).length > 0).toBe(isEffect);
    },
  );

  it('puts its values into the words', () => {
    const say = (uses: string, input: unknown): string | undefined =>
      registry.get(uses)?.dry?.(registry.get(uses)?.input.parse(input), context).summary;
    expect(say('host.set_state@1', INPUTS['host.set_state'])).toBe('marks i-old as forensics for 3d');
    expect(say('pager.resolve@1', { incident: null })).toBe('touches no page: the event names none');
    expect(say('notify.send@1', { text: 'hello' })).toBe('tells web-team: hello');
  });
});

describe('an action without words for a dry run', () => {
  it('is described by its summary and the names of its inputs', () => {
    const action = defineAction({
      name: 'acme.do',
      version: 1,
      summary: 'Does it.',
      input: z.strictObject({ rack: z.string() }),
      output: z.unknown(),
      idempotent: true,
      run: async () => null,
    });
    expect(action.dry?.({ rack: 'r1' }, context)).toEqual({
      summary: 'Does it.',
      changes: { inputs: ['rack'] },
    });
  });
});

describe('the dry run of a workflow', () => {
  it('tells every step in the order of its waves and names what only a step could tell', () => {
    const steps = dryRunWorkflow(shipped('replace_host'), aRequest(), registry);
    expect(steps.map(({ wave, step, summary }) => `${wave} ${step}: ${summary}`)).toEqual([
      '1 acknowledge: acknowledges page INC-1',
      '2 out_of_lb: takes i-old out of the load balancer',
      '2 clone: launches a host like i-old',
      '3 booted: reads the state of <new_host of clone>',
      '4 verify: probes the healthcheck of <new_host of clone> until it is healthy 3 times in a row',
      '5 into_lb: puts <new_host of clone> into the load balancer',
      '6 in_service: asks the load balancer about <new_host of clone>',
      '7 forensics: marks i-old as forensics for 3d',
      '8 resolve: resolves page INC-1',
    ]);
    expect(steps.filter(({ destructive }) => destructive).map(({ step }) => step)).toEqual([
      'out_of_lb',
      'clone',
      'forensics',
    ]);
  });

  it('calls nothing, and shows the names of the inputs when their values are not known yet', () => {
    let calls = 0;
    const count = defineAction({
      name: 'acme.count',
      version: 1,
      summary: 'Counts.',
      input: z.strictObject({ n: z.number() }),
      output: z.strictObject({ n: z.number() }),
      idempotent: true,
      run: async ({ n }) => ((calls += 1), { n }),
    });
    const flow = workflow(
      `apiVersion: lazarus.dev/v1
kind: Workflow
metadata: { name: test.flow, version: 1 }
steps:
  a: { uses: acme.count@1, with: { n: 1 } }
  b: { uses: acme.count@1, needs: [a], when: '\${{ steps.a.outputs.n > 0 }}', with: { n: '\${{ steps.a.outputs.n }}' } }
  c: { signal: approve, needs: [b] }
`,
      [count],
    );
    const actions = createActionRegistry([...builtinActions, count]);
    expect(dryRunWorkflow(flow, aRequest({ workflow: 'test.flow' }), actions)).toMatchObject([
      { step: 'a', summary: 'Counts.', changes: { inputs: ['n'] } },
      { step: 'b', changes: { inputs: ['n'] }, onlyIf: '${{ steps.a.outputs.n > 0 }}' },
      { step: 'c', summary: 'waits for the signal approve' },
    ]);
    expect(calls).toBe(0);
  });

  it('tells no value of a header, also when the URL is not known yet', () => {
    const flow = workflow(`apiVersion: lazarus.dev/v1
kind: Workflow
metadata: { name: test.flow, version: 1 }
steps:
  u: { uses: http.get@1, with: { url: "https://a.example.com/x" }, outputs: { url: $.body } }
  b: { uses: http.call@1, needs: [u], with: { method: POST, url: "\${{ steps.u.outputs.url }}", headers: { authorization: "Bearer hunter2" } } }
`);
    const request = aRequest({ workflow: 'test.flow' });
    for (const actions of [registry, createActionRegistry([])]) {
      const steps = dryRunWorkflow(flow, request, actions);
      expect(JSON.stringify(steps)).not.toContain('hunter2');
      expect(steps[1]?.changes).toEqual({ inputs: ['method', 'url', 'headers'] });
    }
  });
});
