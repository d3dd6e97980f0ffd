import { ConfigurationError } from '@lazarus/core';
import { describe, expect, it } from 'vitest';
import { builtinActions, createActionRegistry, loadWorkflow } from '../src/index.ts';

const actions = createActionRegistry(builtinActions);
const HEAD = 'apiVersion: lazarus.dev/v1\nkind: Workflow\nmetadata: { name: test.flow, version: 1 }\n';
const load = (text: string) => loadWorkflow(HEAD + text, { file: 'flow.yaml', actions });

/** The refusal, one line per issue, without the summary. */
function refusal(text: string): readonly string[] {
  try {
    load(text);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}

describe('a workflow document', () => {
  it.each<[title: string, text: string, expected: string]>([
    [
      'with a cycle',
      'steps:\n  a: { uses: lb.add@1, needs: [c], with: { host: x } }\n  b: { uses: lb.add@1, needs: [a], with: { host: x } }\n  c: { uses: lb.add@1, needs: [b], with: { host: x } }\n',
      'the steps wait for each other in a circle: ',
    ],
    [
      'with an unknown step in needs',
      'steps:\n  first: { uses: lb.add@1, with: { host: x } }\n  b: { uses: lb.add@1, needs: [frist], with: { host: x } }\n',
      'flow.yaml:6:32 steps.b.needs[0] found the unknown step "frist" (did you mean "first"?)',
    ],
    [
      'with a step that needs itself',
      'steps:\n  a: { uses: lb.add@1, needs: [a], with: { host: x } }\n',
      'flow.yaml:5:32 steps.a.needs[0] a step cannot need itself',
    ],
    [
      'with an unknown action',
      'steps:\n  a: { uses: lb.ad@1, with: { host: x } }\n',
      'flow.yaml:5:14 steps.a.uses found the unknown action "lb.ad@1" (did you mean "lb.add@1"?)',
    ],
    [
      'with an unknown version of an action',
      'steps:\n  a: { uses: lb.add@7, with: { host: x } }\n',
      'flow.yaml:5:14 steps.a.uses found the unknown action "lb.add@7" (known: lb.add@1)',
    ],
    [
      'without a version',
      'steps:\n  a: { uses: lb.add, with: { host: x } }\n',
      'expected an action with its version, such as lb.remove@1',
    ],
    [
      'with a missing input of an action',
      'steps:\n  a: { uses: lb.add@1 }\n',
      'flow.yaml:5:6 steps.a lb.add@1 needs the input "host"',
    ],
    [
      'with an unknown input of an action',
      'steps:\n  a: { uses: lb.add@1, with: { host: x, hosts: y } }\n',
      'flow.yaml:5:48 steps.a.with.hosts found the unknown input "hosts" of lb.add@1 (did you mean "host"?)',
    ],
    [
      'with a literal of the wrong type',
      'steps:\n  a: { uses: lb.add@1, with: { host: 3 } }\n',
      'flow.yaml:5:38 steps.a.with.host found number 3, expected a string',
    ],
    [
      'with an expression of the wrong type',
      "inputs: { n: { type: number, default: 3 } }\nsteps:\n  a: { uses: lb.add@1, with: { host: '${{ inputs.n }}' } }\n",
      'flow.yaml:6:38 steps.a.with.host the expression gives a number, expected a string',
    ],
    [
      'with an unknown variable',
      "steps:\n  a: { uses: lb.add@1, with: { host: '${{ input.host }}' } }\n",
      'flow.yaml:5:38 steps.a.with.host found the unknown variable "input" (did you mean "inputs"?)',
    ],
    [
      'with an input although it declares none',
      "steps:\n  a: { uses: lb.add@1, with: { host: '${{ inputs.host }}' } }\n",
      'found the unknown input "host" (declare it under inputs)',
    ],
    [
      'with an unknown input',
      "inputs: { host: { type: string, required: true } }\nsteps:\n  a: { uses: lb.add@1, with: { host: '${{ inputs.hots }}' } }\n",
      'found the unknown input "hots" (did you mean "host"?)',
    ],
    [
      'that reads a step which does not come before',
      "steps:\n  a: { uses: host.clone@1, with: { from: x } }\n  b: { uses: lb.add@1, with: { host: '${{ steps.a.outputs.host_id }}' } }\n",
      'flow.yaml:6:38 steps.b.with.host step "a" does not come before this one (add it to needs)',
    ],
    [
      'that reads an unknown output',
      "steps:\n  a: { uses: host.clone@1, with: { from: x } }\n  b: { uses: lb.add@1, needs: [a], with: { host: '${{ steps.a.outputs.host }}' } }\n",
      'the expression does not fit: No such key: host',
    ],
    [
      'that reads outputs of a step which may have failed',
      "steps:\n  a: { uses: host.clone@1, with: { from: x } }\n  b: { uses: lb.add@1, needs: [{ step: a, on: [succeeded, failed] }], with: { host: '${{ steps.a.outputs.host_id }}' } }\n",
      `step "a" may have no outputs here (add a fallback: steps.a.outputs.host_id ?? 'none')`,
    ],
    [
      'that computes the name of a step',
      "inputs: { s: { type: string, default: a } }\nsteps:\n  a: { uses: lb.add@1, with: { host: '${{ steps[inputs.s].status }}' } }\n",
      'steps is read by name (steps.NAME.outputs.FIELD)',
    ],
    [
      'with a condition that is no expression',
      'steps:\n  a: { uses: lb.add@1, with: { host: x }, when: always }\n',
      'found "always", expected an expression',
    ],
    [
      'with a condition that is no truth value',
      "steps:\n  a: { uses: lb.add@1, with: { host: x }, when: '${{ event.service }}' }\n",
      'the expression gives a string, expected true or false',
    ],
    [
      'with a regular expression',
      'steps:\n  a: { uses: lb.add@1, with: { host: x }, when: "${{ event.service.matches(\'^(a+)+$\') }}" }\n',
      'matches() is not available',
    ],
    [
      'with an expression that is not closed',
      "steps:\n  a: { uses: lb.add@1, with: { host: '${{ inputs.host' } }\n",
      'found ${{ without }}',
    ],
    [
      'that polls an action which changes something',
      "steps:\n  a: { uses: lb.add@1, with: { host: x }, poll: { every: 5s, until: '${{ true }}' } }\n",
      'lb.add@1 changes something, so it cannot be polled',
    ],
    [
      'whose step does two things',
      'steps:\n  a: { uses: lb.add@1, wait: 5s, with: { host: x } }\n',
      'found uses and wait, expected exactly one of uses, wait and signal',
    ],
    [
      'whose step does nothing',
      'steps:\n  a: { needs: [] }\n',
      'found nothing to do, expected exactly one of uses, wait and signal',
    ],
    [
      'whose error path forgets the human',
      'steps:\n  a: { wait: 5s }\non_error:\n  steps:\n    b: { wait: 5s }\n',
      'no step uses pager.escalate@1 unconditionally (every error ends with a human who is told)',
    ],
    [
      'whose error path wakes the human only sometimes',
      "steps:\n  a: { wait: 5s }\non_error:\n  steps:\n    b: { uses: pager.escalate@1, with: { incident: x, reason: y }, when: '${{ false }}' }\n",
      'no step uses pager.escalate@1 unconditionally',
    ],
    [
      'that undoes an action which does not say how',
      'steps:\n  a: { uses: notify.send@1, with: { text: x }, compensate: undo }\n',
      'notify.send@1 does not say how to undo it',
    ],
    ['with a bad duration', 'steps:\n  a: { wait: 5 }\n', 'expected a duration'],
    ['with an unknown key', 'steps:\n  a: { wiat: 5s }\n', 'did you mean "wait"?'],
    [
      'with a default of the wrong type',
      'inputs: { n: { type: number, default: many } }\nsteps: { a: { wait: 5s } }\n',
      'found "many", expected a default of type number',
    ],
    ['without a step', 'steps: {}\n', 'found no step, expected at least one'],
    [
      'that maps an output which is not there',
      'steps:\n  a: { uses: host.clone@1, with: { from: x }, outputs: { id: $.hostid } }\n',
      'the result has no "hostid" (did you mean "host_id"?)',
    ],
  ])('%s is refused with its place and what to do', (_title, text, expected) => {
    expect(refusal(text).join('\n')).toContain(expected);
  });

  it('is refused with all issues of a stage at once, in the order of the text', () => {
    const issues = refusal(
      'steps:\n  a: { uses: lb.ad@1 }\n  b: { uses: lb.add@1 }\n  c: { uses: hst.clone@1, with: { from: x } }\n',
    );
    expect(issues.map((issue) => issue.split(' ')[0])).toEqual([
      'flow.yaml:5:14',
      'flow.yaml:6:6',
      'flow.yaml:7:14',
    ]);
  });

  it('gives the same digest for the same content whatever its layout, and another one for another content', () => {
    const one = load('steps: { a: { wait: 60s } }\n');
    const same = load('# a comment\nsteps:\n  a:\n    wait: "1m"\n');
    const other = load('steps: { a: { wait: 61s } }\n');
    expect(one.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(same.digest).toBe(one.digest);
    expect(other.digest).not.toBe(one.digest);
  });

  it('is plain JSON in its resolved form: what a run pins can be stored and read again', () => {
    const definition = load('steps: { a: { wait: 60s } }\n');
    expect(JSON.parse(JSON.stringify(definition))).toEqual(definition);
  });

  it('has an error path that undoes and escalates when it writes none', () => {
    const { onError } = load('steps: { a: { wait: 60s } }\n');
    expect(onError.compensate).toBe('reverse_completed');
    expect(onError.steps.map(({ uses }) => uses)).toEqual(['pager.escalate@1']);
  });
});
