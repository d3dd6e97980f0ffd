import { ConfigurationError } from '@lazarus/core';
import type { Issue } from '@lazarus/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { builtinActions, createActionRegistry, defineAction, loadWorkflow } from '../src/index.ts';

const report = z.strictObject({
  n: z.number(),
  text: z.string(),
  list: z.array(z.string()),
  inner: z.strictObject({ leaf: z.string() }),
  any: z.unknown(),
});
const sure = { version: 1, summary: 'Does it.', output: report, run: () => Promise.reject(new Error()) };
const actions = createActionRegistry([
  ...builtinActions,
  defineAction({ ...sure, name: 'test.do', input: z.strictObject({}), idempotent: true }),
  defineAction({
    ...sure,
    name: 'test.take',
    input: z.strictObject({ n: z.number().int().optional(), on: z.boolean().optional(), more: z.unknown() }),
    idempotent: true,
  }),
]);
const HEAD = 'apiVersion: lazarus.dev/v1\nkind: Workflow\nmetadata: { name: test.flow, version: 1 }\n';
const INPUTS = 'inputs: { s: { type: string, default: x }, n: { type: number, default: 1 } }\n';
const ADD = 'uses: lb.add@1, with: { host: x }';
const CLONE = 'a: { uses: host.clone@1, with: { from: x } }';

function issuesOf(text: string): readonly Issue[] {
  try {
    loadWorkflow(text, { file: 'flow.yaml', actions });
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    expect(error.code).toBe('LZ_CONFIG_INVALID');
    return error.issues;
  }
  return [];
}

/** `¶` in a document marks where the issue is; it is taken out before the document is read. */
function placed(marked: string): { readonly text: string; readonly line: number; readonly column: number } {
  const before = marked.slice(0, marked.indexOf('¶')).split('\n');
  return {
    text: marked.replace('¶', ''),
    line: before.length,
    column: (before.at(-1) ?? '').length + 1,
  };
}

type Row = [title: string, document: string, message: string, hint?: string];

const SHAPE: readonly Row[] = [
  ['an unknown key', 'steps:\n  a: { ¶wiat: 5s }\n', 'found the unknown key "wiat"', 'did you mean "wait"?'],
  ['a step twice', 'steps:\n  a: { wait: 5s }\n  ¶a: { wait: 6s }\n', 'found the key "a" twice'],
  [
    'a step with a number for a name',
    'steps:\n  ¶1: { wait: 5s }\n',
    'this key is not allowed: expected a name of lower-case letters, digits and _, starting with a letter',
  ],
  [
    'a step with a word of expressions for a name',
    'steps:\n  ¶in: { wait: 5s }\n',
    'this key is not allowed: expected another name: this word means something else',
  ],
  [
    'a step without a version of its action',
    'steps:\n  a: { uses: ¶lb.add, with: { host: x } }\n',
    'found string "lb.add", expected an action with its version, such as lb.remove@1',
  ],
  [
    'a bare number for a duration',
    'steps:\n  a: { wait: ¶5 }\n',
    'found number 5, expected a duration such as 30s or 10m, or an expression',
  ],
  [
    'a timeout of nothing',
    `steps:\n  a: { ${ADD}, timeout: ¶0s }\n`,
    'found string "0s", expected a duration of more than 0s',
  ],
  [
    'a workflow without time',
    'timeouts: { workflow: ¶0s }\nsteps: { a: { wait: 5s } }\n',
    'found string "0s", expected a duration of more than 0s',
  ],
  [
    'no time to clean up',
    'timeouts: { cleanup: ¶0s }\nsteps: { a: { wait: 5s } }\n',
    'found string "0s", expected a duration of more than 0s',
  ],
  [
    'a call of more than 60 s',
    `steps:\n  a: { ${ADD}, attempt_timeout: ¶5m }\n`,
    'found string "5m", expected at most 60s; poll for what takes longer',
  ],
  [
    'a poll without a pause',
    "steps:\n  a: { uses: host.describe@1, with: { host: x }, poll: { every: ¶0s, until: '${{ true }}' } }\n",
    'found string "0s", expected at least 100ms',
  ],
  [
    '21 attempts',
    `steps:\n  a: { ${ADD}, retry: { max_attempts: ¶21 } }\n`,
    'found number 21, expected at most 20',
  ],
  [
    'an unknown class of error',
    `steps:\n  a: { ${ADD}, retry: { on: [¶transiet] } }\n`,
    'found string "transiet", expected transient | timeout | permanent',
    'did you mean "transient"?',
  ],
  [
    'an unknown end of a step',
    `steps:\n  a: { wait: 5s }\n  b: { wait: 5s, needs: [{ step: a, on: [¶canceled] }] }\n`,
    'found string "canceled", expected succeeded | failed | skipped',
  ],
  [
    'no steps',
    'steps: ¶{}\n',
    'found no step, expected at least one',
    'a: { uses: notify.send@1, with: { text: hello } }',
  ],
  [
    'an expression of 1101 characters',
    `steps:\n  a: { wait: 5s, when: ¶"\${{ ${'x'.repeat(1_094)} }}" }\n`,
    `found string "\${{ ${'x'.repeat(53)}...", expected at most 1100 characters`,
  ],
];

const GRAPH: readonly Row[] = [
  [
    'a cycle',
    `steps:\n  a: { ${ADD}, needs: ¶[c] }\n  b: { ${ADD}, needs: [a] }\n  c: { ${ADD}, needs: [b] }\n`,
    'the steps wait for each other in a circle: a -> b -> c -> a',
    'take one of these needs out',
  ],
  [
    'a cycle in finally',
    `steps: { a: { wait: 5s } }\nfinally:\n  x: { ${ADD}, needs: ¶[y] }\n  y: { ${ADD}, needs: [x] }\n`,
    'the steps wait for each other in a circle: x -> y -> x',
    'take one of these needs out',
  ],
  ['a need of itself', `steps:\n  a: { ${ADD}, needs: [¶a] }\n`, 'a step cannot need itself', 'remove it'],
  [
    'a need of an unknown step',
    `steps:\n  first: { ${ADD} }\n  b: { ${ADD}, needs: [¶frist] }\n`,
    'found the unknown step "frist"',
    'did you mean "first"?',
  ],
  [
    'a need of a step of another part',
    `steps: { a: { wait: 5s } }\nfinally:\n  x: { ${ADD}, needs: [¶a] }\n`,
    'found the unknown step "a"',
    'there is none',
  ],
  [
    'a need named twice',
    `steps:\n  a: { wait: 5s }\n  b: { wait: 5s, needs: [a, ¶{ step: a, on: [failed] }] }\n`,
    'found the step "a" twice',
    'name its ends in one entry: on: […]',
  ],
];

const ACTIONS: readonly Row[] = [
  [
    'an unknown action',
    'steps:\n  a: { uses: ¶lb.ad@1, with: { host: x } }\n',
    'found the unknown action "lb.ad@1"',
    'did you mean "lb.add@1"?',
  ],
  [
    'an unknown version',
    'steps:\n  a: { uses: ¶lb.add@7, with: { host: x } }\n',
    'found the unknown action "lb.add@7"',
    'known: lb.add@1',
  ],
  [
    'an unknown version of wait',
    'steps:\n  a: { uses: ¶wait@2, with: { for: 5s } }\n',
    'found the unknown action "wait@2"',
    'known: wait@1',
  ],
  [
    'an action like no other',
    'steps:\n  a: { uses: ¶zzzzzzzzzz@1 }\n',
    'found the unknown action "zzzzzzzzzz@1"',
    'known areas: healthcheck, host, http, lb, notify, pager, service, test',
  ],
  [
    'an unknown action that undoes',
    `steps:\n  a: { ${ADD}, compensate: { uses: ¶lb.remov@1, with: { host: x } } }\n`,
    'found the unknown action "lb.remov@1"',
    'did you mean "lb.remove@1"?',
  ],
  [
    'a missing input',
    'steps:\n  a: ¶{ uses: lb.add@1 }\n',
    'lb.add@1 needs the input "host"',
    'with: { host: … }',
  ],
  [
    'a missing input of what undoes',
    `steps:\n  a: { ${ADD}, compensate: ¶{ uses: lb.remove@1 } }\n`,
    'lb.remove@1 needs the input "host"',
    'with: { host: … }',
  ],
  [
    'an unknown input',
    'steps:\n  a: { uses: lb.add@1, with: { host: x, hosts: ¶y } }\n',
    'found the unknown input "hosts" of lb.add@1',
    'did you mean "host"?',
  ],
  [
    'an input with the name of something that every object has',
    'steps:\n  a: { uses: lb.add@1, with: { host: x, constructor: ¶y } }\n',
    'found the unknown input "constructor" of lb.add@1',
    'known here: host',
  ],
  [
    'a literal of the wrong type',
    'steps:\n  a: { uses: lb.add@1, with: { host: ¶3 } }\n',
    'found number 3, expected a string',
  ],
  [
    'a fraction for a whole number',
    'steps:\n  a: { uses: test.take@1, with: { n: ¶1.5, more: 1 } }\n',
    'found number 1.5, expected a whole number',
  ],
  [
    'a literal of the wrong type deep inside',
    'steps:\n  a: { uses: host.command@1, with: { host: x, command: y, args: { k: ¶5 } } }\n',
    'found number 5, expected a string',
  ],
  [
    'a literal of the wrong type beside an expression',
    `${INPUTS}steps:\n  a: { uses: host.command@1, with: { host: x, command: y, args: { k: '\${{ inputs.s }}', l: ¶5 } } }\n`,
    'found a number, expected a string',
  ],
  [
    'a poll of something that changes the world',
    `steps:\n  a: { ${ADD}, poll: ¶{ every: 5s, until: '\${{ true }}' } }\n`,
    'lb.add@1 changes something, so it cannot be polled',
    'poll an action that only looks',
  ],
  [
    'two things to do',
    'steps:\n  a: ¶{ uses: lb.add@1, wait: 5s, with: { host: x } }\n',
    'found uses and wait, expected exactly one of uses, wait and signal',
    'make a step of its own of each',
  ],
  [
    'nothing to do',
    'steps:\n  a: ¶{ needs: [] }\n',
    'found nothing to do, expected exactly one of uses, wait and signal',
    'uses: notify.send@1',
  ],
  [
    'retries of a pause',
    'steps:\n  a: { wait: 5s, retry: ¶{ max_attempts: 2 } }\n',
    'retry makes no sense for a step that waits',
    'remove it',
  ],
  [
    'inputs of a signal',
    'steps:\n  a: { signal: go, with: ¶{ x: y } }\n',
    'with makes no sense for a step that waits',
    'remove it',
  ],
  [
    'a pause of no duration',
    'steps:\n  a: { uses: wait@1, with: ¶{ for: soon } }\n',
    'wait@1 takes exactly one input, a duration',
    'for: 30s',
  ],
  [
    'no way to undo',
    'steps:\n  a: { uses: notify.send@1, with: { text: x }, compensate: ¶undo }\n',
    'notify.send@1 does not say how to undo it',
    'name an action: compensate: { uses, with }',
  ],
  [
    'an undone pause',
    'steps:\n  a: { wait: 5s, compensate: ¶undo }\n',
    'a step that waits has nothing to undo',
    'remove it',
  ],
  [
    'something to undo in finally',
    `steps: { a: { wait: 5s } }\nfinally:\n  x: { ${ADD}, compensate: ¶undo }\n`,
    'only the steps of the workflow itself can be undone',
    'remove it',
  ],
  [
    'a point of no return in finally',
    `steps: { a: { wait: 5s } }\nfinally:\n  x: { ${ADD}, point_of_no_return: ¶true }\n`,
    'nothing is undone any more in finally',
    'set it on the step of the workflow that cannot be taken back',
  ],
  [
    'an undo that needs an output which nobody could tell after a crash',
    'steps:\n  a: { uses: test.do@1, compensate: ¶{ uses: lb.add@1, with: { host: \'${{ steps["a"].outputs.text }}\' } } }\n',
    'it needs the output of test.do@1, which has no check hook: after a crash nobody could tell',
    'add a check hook to the action',
  ],
  [
    'an error path that forgets the human',
    'steps: { a: { wait: 5s } }\non_error:\n  steps: ¶{ b: { wait: 5s } }\n',
    'no step uses pager.escalate@1 unconditionally',
    'every error ends with a human who is told',
  ],
  [
    'an error path that wakes the human behind another step',
    'steps: { a: { wait: 5s } }\non_error:\n  steps: ¶{ b: { wait: 5s }, c: { needs: [b], uses: pager.escalate@1, with: { incident: x, reason: y } } }\n',
    'no step uses pager.escalate@1 unconditionally',
    'every error ends with a human who is told',
  ],
  [
    'a default of another type',
    'inputs: { n: { type: number, default: ¶many } }\nsteps: { a: { wait: 5s } }\n',
    'found "many", expected a default of type number',
    '1.5',
  ],
  [
    'a default that is no duration',
    'inputs: { d: { type: duration, default: ¶soon } }\nsteps: { a: { wait: 5s } }\n',
    'found "soon", expected a default of type duration',
    '30s',
  ],
  [
    'a default that is no whole number',
    'inputs: { n: { type: integer, default: ¶1.5 } }\nsteps: { a: { wait: 5s } }\n',
    'found 1.5, expected a default of type integer',
    '3',
  ],
  [
    'a required input with a default',
    'inputs: { n: { type: number, required: true, default: ¶1 } }\nsteps: { a: { wait: 5s } }\n',
    'a required input has no default',
    'remove default, or required',
  ],
];

const NO_URL: readonly Row[] = [
  [
    'text for a URL',
    'steps:\n  a: { uses: http.get@1, with: { url: ¶a.example.com } }\n',
    'found string "a.example.com", expected a URL that begins with https:// or http://',
  ],
  [
    'a password in a URL',
    'steps:\n  a: { uses: http.get@1, with: { url: ¶"https://u:p@a.example.com" } }\n',
    'found string "https://u:p@a.example.com", expected a URL without user and password; send a header',
  ],
];

const late = (place: string): Row => [
  `a step that does not come before it, in ${place.split(':')[0] ?? ''}`,
  `steps:\n  ${CLONE}\n  b: { ${place} }\n`,
  'step "a" does not come before this one',
  'add it to needs',
];

const EXPRESSIONS: readonly Row[] = [
  late("uses: lb.add@1, with: { host: ¶'${{ steps.a.outputs.host_id }}' }"),
  late('when: ¶\'${{ steps.a.status == "failed" }}\', wait: 5s'),
  late("wait: ¶'${{ steps.a.outputs.zone }}'"),
  late(`timeout: ¶'\${{ steps.a.outputs.zone }}', ${ADD}`),
  late(
    "poll: { every: 5s, until: ¶'${{ result.zone == steps.a.outputs.zone }}' }, uses: host.describe@1, with: { host: x }",
  ),
  late("outputs: { z: ¶'${{ steps.a.outputs.zone }}' }, uses: host.describe@1, with: { host: x }"),
  late(`compensate: { uses: lb.remove@1, with: { host: ¶'\${{ steps.a.outputs.host_id }}' } }, ${ADD}`),
  late(
    'needs: [], uses: host.command@1, with: { host: x, command: y, args: { k: ¶"${{ steps[\'a\'].outputs.zone }}" } }',
  ),
  [
    'itself',
    'steps:\n  a: { wait: 5s, when: ¶\'${{ steps.a.status == "failed" }}\' }\n',
    'step "a" does not come before this one',
    'add it to needs',
  ],
  [
    'outputs of a step that may have failed',
    `steps:\n  ${CLONE}\n  b: { needs: [{ step: a, on: [succeeded, failed] }], uses: lb.add@1, with: { host: ¶'\${{ steps.a.outputs.host_id }}' } }\n`,
    'step "a" may have no outputs here',
    "add a fallback: steps.a.outputs.host_id ?? 'none'",
  ],
  [
    'outputs of a step far behind that may have failed',
    `steps:\n  ${CLONE}\n  m: { wait: 5s, needs: [{ step: a, on: [failed] }] }\n  b: { needs: [m], uses: lb.add@1, with: { host: ¶'\${{ steps.a.outputs.host_id }}' } }\n`,
    'step "a" may have no outputs here',
    "add a fallback: steps.a.outputs.host_id ?? 'none'",
  ],
  [
    'outputs without a fallback in on_error',
    `steps:\n  ${CLONE}\non_error:\n  steps: { e: { uses: pager.escalate@1, with: { incident: x, reason: ¶'\${{ steps.a.outputs.zone }}' } } }\n`,
    'step "a" may have no outputs here',
    "add a fallback: steps.a.outputs.zone ?? 'none'",
  ],
  [
    'an unknown step in finally',
    `steps:\n  ${CLONE}\nfinally: { f: { wait: 5s, when: ¶'\${{ steps.zz.status == "failed" }}' } }\n`,
    'found the unknown step "zz"',
    'known here: a',
  ],
  [
    'an unknown step in the outputs',
    `steps:\n  clone: { wait: 5s }\noutputs: { x: ¶'\${{ steps.clon.outputs.x }}' }\n`,
    'found the unknown step "clon"',
    'did you mean "clone"?',
  ],
  [
    'a step by a computed name',
    `${INPUTS}steps:\n  a: { wait: 5s, when: ¶'\${{ steps[inputs.s].status == "failed" }}' }\n`,
    'steps is read by name',
    'steps.NAME.outputs.FIELD',
  ],
  [
    'an unknown output',
    `steps:\n  ${CLONE}\n  b: { needs: [a], uses: lb.add@1, with: { host: ¶'\${{ steps.a.outputs.host }}' } }\n`,
    'the expression does not fit: No such key: host',
  ],
  [
    'an unknown variable',
    'steps:\n  a: { wait: 5s, when: ¶\'${{ evnt.service == "web" }}\' }\n',
    'found the unknown variable "evnt"',
    'did you mean "event"?',
  ],
  [
    'the error before there is one',
    'steps:\n  a: { wait: 5s, when: ¶\'${{ error.code == "x" }}\' }\n',
    'found the unknown variable "error"',
    'known here: inputs, event, run, steps',
  ],
  [
    'an unknown input',
    `${INPUTS}steps:\n  a: { wait: 5s, when: ¶'\${{ inputs.m == 1 }}' }\n`,
    'found the unknown input "m"',
    'did you mean "s"?',
  ],
  [
    'an input where none is declared',
    "steps:\n  a: { wait: 5s, when: ¶'${{ inputs.m == 1 }}' }\n",
    'found the unknown input "m"',
    'declare it under inputs',
  ],
  [
    'a number for a text',
    `${INPUTS}steps:\n  a: { uses: lb.add@1, with: { host: ¶'\${{ inputs.n }}' } }\n`,
    'the expression gives a number, expected a string',
  ],
  [
    'a text for a number',
    `${INPUTS}steps:\n  a: { uses: test.take@1, with: { n: ¶'\${{ inputs.s }}', more: 1 } }\n`,
    'the expression gives a string, expected a number',
  ],
  [
    'a number for a text deep inside',
    `${INPUTS}steps:\n  a: { uses: host.command@1, with: { host: x, command: y, args: { k: ¶'\${{ inputs.n }}' } } }\n`,
    'the expression gives a number, expected a string',
  ],
  [
    'a list for a text',
    `steps:\n  a: { uses: lb.add@1, with: { host: ¶['\${{ run.id }}'] } }\n`,
    'found a list, expected a string',
  ],
  [
    'a condition that is no truth value',
    "steps:\n  a: { wait: 5s, when: ¶'${{ event.service }}' }\n",
    'the expression gives a string, expected true or false',
  ],
  [
    'a condition with text around it',
    "steps:\n  a: { wait: 5s, when: ¶'not ${{ true }}' }\n",
    'the expression gives a string, expected true or false',
  ],
  [
    'a condition that is no expression',
    'steps:\n  a: { wait: 5s, when: ¶always }\n',
    'found "always", expected an expression',
    '${{ … }}',
  ],
  [
    'an end of polling that is no truth value',
    "steps:\n  a: { uses: host.describe@1, with: { host: x }, poll: { every: 5s, until: ¶'${{ result.zone }}' } }\n",
    'the expression gives a string, expected true or false',
  ],
  [
    'a comparison that cannot hold',
    "steps:\n  a: { wait: 5s, when: ¶'${{ event.service > 1 }}' }\n",
    'the expression does not fit: no such overload: string > int',
  ],
  [
    'a number for a duration',
    `${INPUTS}steps:\n  a: { wait: ¶'\${{ inputs.n }}' }\n`,
    'the expression gives a number, expected a string',
  ],
  [
    'a text input for a duration',
    `${INPUTS}steps:\n  a: { wait: ¶'\${{ inputs.s }}' }\n`,
    'input "s" is a string, expected a duration',
    'declare it with type: duration',
  ],
  [
    'a duration that may be missing',
    "inputs: { d: { type: duration } }\nsteps:\n  a: { wait: ¶'${{ inputs.d }}' }\n",
    'input "d" may be missing',
    "give it a default, or write inputs.d ?? '5m'",
  ],
  [
    'a duration put together',
    `${INPUTS}steps:\n  a: { uses: wait@1, with: { for: ¶'\${{ inputs.n }}s' } }\n`,
    'found "${{ inputs.n }}s", expected one expression and nothing beside it',
    '${{ inputs.NAME }}',
  ],
  [
    'an output that is not there',
    `steps:\n  a: { uses: test.do@1, outputs: { x: ¶$.txt } }\n`,
    'the result has no "txt"',
    'did you mean "text"?',
  ],
  [
    'an output that is not there deep inside',
    `steps:\n  a: { uses: test.do@1, outputs: { x: ¶$.inner.leef } }\n`,
    'result.inner has no "leef"',
    'did you mean "leaf"?',
  ],
  [
    'an output below a text',
    `steps:\n  a: { uses: test.do@1, outputs: { x: ¶$.inner.leaf.more } }\n`,
    'result.inner.leaf is a string and has no "more"',
    '$.inner.leaf',
  ],
  [
    'an output that every object has',
    `steps:\n  a: { uses: test.do@1, outputs: { x: ¶$.constructor } }\n`,
    'the result has no "constructor"',
    'known here: n, text, list, inner, any',
  ],
  [
    'an output that is neither path nor expression',
    `steps:\n  a: { uses: test.do@1, outputs: { x: ¶text } }\n`,
    'found "text", expected $.path or an expression over result',
  ],
  [
    'an output of nothing',
    `steps:\n  a: { uses: test.do@1, outputs: { x: ¶$. } }\n`,
    'found "$.", expected $.path',
  ],
];

const refused = (title: string, expression: string, why: string): Row => [
  title,
  `steps:\n  a: { uses: test.take@1, with: { more: ¶'\${{ ${expression} }}' } }\n`,
  `the expression ${JSON.stringify(expression)} was refused: ${why}`,
];

const COST: readonly Row[] = [
  refused(
    'a regular expression',
    'event.service.matches("^(a+)+$")',
    'matches() is not available; compare with ==, startsWith() or contains()',
  ),
  refused(
    'a duration out of an event',
    'duration(event.summary)',
    "duration() takes a text that is written out, such as '5m'",
  ),
  refused(
    'a name for a value',
    'cel.bind(x, 1, x)',
    'bind() is not available; give the value a name under outputs',
  ),
  refused(
    'a macro in a macro',
    'event.attributes.l.all(x, event.attributes.l.all(y, x == y))',
    'all() inside of another macro is not available; make two outputs of it',
  ),
  refused(
    'a macro over a divided text',
    'event.service.split("").map(x, x)',
    'split(), join() and list macros cannot be used with one another, join() only once; make two outputs of it',
  ),
  refused(
    'a join in a join',
    '[[event.service].join("")].join("")',
    'split(), join() and list macros cannot be used with one another, join() only once; make two outputs of it',
  ),
  refused('a macro that hides a variable', '[1].map(steps, steps)', 'steps cannot name a variable of map()'),
  refused(
    'a fallback in brackets',
    '(event.host ?? "x") == "x"',
    '?? stands between whole expressions, outside of brackets',
  ),
  [
    'an expression that is not closed',
    `steps:\n  a: { uses: lb.add@1, with: { host: ¶'\${{ run.id' } }\n`,
    'the text "${{ run.id" was refused: found ${{ without }}',
  ],
  [
    'an empty expression',
    `steps:\n  a: { uses: lb.add@1, with: { host: ¶'\${{ }}' } }\n`,
    'the text "${{ }}" was refused: found an empty expression',
  ],
  [
    '51 expressions in one text',
    `steps:\n  a: { uses: lb.add@1, with: { host: ¶'${'${{1}}'.repeat(51)}' } }\n`,
    `the text "${'${{1}}'.repeat(32)}\${{1}..." was refused: found 51 expressions, expected at most 50`,
  ],
];

describe.each([
  ['with a wrong shape', SHAPE],
  ['with a wrong graph', GRAPH],
  ['with wrong actions', [...ACTIONS, ...NO_URL]],
  ['whose expressions read what is not there, or give what is not asked for', EXPRESSIONS],
  ['whose expressions could cost too much, or cannot be read', COST],
])('a workflow document %s', (_kind, rows) => {
  it.each<Row>(rows)('is refused at the very place for %s', (_title, marked, message, hint) => {
    const { text, line, column } = placed(HEAD + marked);
    const [issue, ...more] = issuesOf(text);
    expect(issue).toMatchObject({ file: 'flow.yaml', line, column, message });
    expect(issue?.hint).toBe(hint);
    expect(more).toEqual([]);
    const saysWhatToDo =
      hint !== undefined || /expected|not available|refused:|does not fit|twice/.test(message);
    expect(saysWhatToDo).toBe(true);
  });
});

describe('a workflow document that is only unusual', () => {
  it.each([
    [
      'steps and inputs named like what every object has',
      "inputs: { constructor: { type: string, default: x } }\nsteps:\n  constructor: { uses: test.do@1 }\n  b: { needs: [constructor], uses: lb.add@1, with: { host: '${{ steps.constructor.outputs.text + inputs.constructor }}' } }\n",
    ],
    [
      'a transitive reference',
      `steps:\n  ${CLONE}\n  m: { wait: 5s, needs: [a] }\n  b: { needs: [m], uses: lb.add@1, with: { host: '\${{ steps.a.outputs.host_id }}' } }\n`,
    ],
    [
      'a transitive reference through a failure, with a fallback',
      `steps:\n  ${CLONE}\n  m: { wait: 5s, needs: [{ step: a, on: [failed] }] }\n  b: { needs: [m], uses: lb.add@1, with: { host: "\${{ steps.a.outputs.host_id ?? 'none' }}" } }\n`,
    ],
    [
      'the status of a step that may have failed',
      `steps:\n  ${CLONE}\n  b: { needs: [{ step: a, on: [failed] }], wait: 5s, when: "\${{ steps.a.status == 'failed' }}" }\n`,
    ],
    [
      'a macro over a list',
      `steps:\n  a: { uses: test.do@1 }\n  b: { needs: [a], wait: 5s, when: "\${{ steps.a.outputs.list.exists(x, x == 'y') }}" }\n`,
    ],
    [
      'its own output in what undoes it',
      `steps:\n  a: { uses: host.clone@1, with: { from: x }, compensate: { uses: host.terminate@1, with: { host: '\${{ steps.a.outputs.host_id }}' } } }\n`,
    ],
    [
      'an output of a step before it among its own outputs',
      `steps:\n  ${CLONE}\n  b: { needs: [a], uses: host.describe@1, with: { host: x }, outputs: { both: '\${{ result.zone + steps.a.outputs.zone }}' } }\n`,
    ],
    [
      'a duration with a fallback',
      'inputs: { d: { type: duration } }\nsteps:\n  a: { wait: "${{ inputs.d ?? \'5m\' }}" }\n',
    ],
    ['a byte order mark', 'steps: { a: { wait: 5s } }\n'],
  ])('is loaded: %s', (title: string, text: string) => {
    expect(issuesOf((title === 'a byte order mark' ? '\uFEFF' : '') + HEAD + text)).toEqual([]);
  });
});
