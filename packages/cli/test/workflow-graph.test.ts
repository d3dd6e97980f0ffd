import { builtinActions, createActionRegistry, loadShippedWorkflows, loadWorkflow } from '@lazarus/dag';
import { describe, expect, it } from 'vitest';
import { renderWorkflowGraph } from '../src/render/workflow.ts';
import type { GraphFormat } from '../src/render/workflow.ts';

const actions = createActionRegistry(builtinActions);
const HEAD = 'apiVersion: lazarus.dev/v1\nkind: Workflow\nmetadata: { name: test.flow, version: 3 }\n';
const draw = (steps: string, format: GraphFormat): string =>
  renderWorkflowGraph(loadWorkflow(HEAD + steps, { file: 'flow.yaml', actions }), format, actions);

const EVERYTHING = `steps:
  end: { uses: lb.remove@1, with: { host: x }, compensate: undo }
  class: { uses: host.clone@1, needs: [end], with: { from: x }, compensate: { uses: host.terminate@1, with: { host: '\${{ steps.class.outputs.host_id }}' } } }
  look: { uses: host.describe@1, needs: [class], with: { host: x }, poll: { every: 5s, until: '\${{ result.state == "running" }}' } }
  subgraph: { wait: 90s, needs: [look] }
  graph: { signal: approve, needs: [{ step: look, on: [failed, skipped] }] }
  style: { uses: lb.add@1, needs: [subgraph], when: '\${{ event.service == "a|b" || event.service == "]<b>&#34;" }}', with: { host: x }, point_of_no_return: true }
on_error:
  steps:
    escalate: { uses: pager.escalate@1, with: { incident: x, reason: y } }
finally:
  tell: { uses: notify.send@1, with: { text: done } }
  more: { uses: notify.send@1, needs: [tell], with: { text: done } }
`;

describe('a workflow as text', () => {
  it('says of every step when it starts, and what undoes it, of every part what is in it', () => {
    expect(draw(EVERYTHING, 'text')).toBe(`test.flow version 3: 6 steps, at most 30 min
  1  end       lb.remove@1
  2  class     host.clone@1      after end
  3  look      host.describe@1   after class; every 5s until result.state == "running"
  4  subgraph  wait 90s          after look
     graph     signal approve    after look (failed or skipped)
  5  style     lb.add@1          after subgraph; when event.service == "a|b" || event.service == "]<b>&#34;"; point of no return
undone on an error: class by host.terminate@1, end by lb.add@1
on error, after undoing in reverse order:
  1  escalate  pager.escalate@1
finally:
  1  tell      notify.send@1
  2  more      notify.send@1     after tell`);
  });

  it('does not say that anything is undone where nothing is', () => {
    const text = draw(
      `steps: { a: { uses: lb.remove@1, with: { host: x }, compensate: undo } }
on_error:
  compensate: none
  steps: { e: { uses: pager.escalate@1, with: { incident: x, reason: y } } }
`,
      'text',
    );
    expect(text).not.toContain('und');
    expect(text).toContain('on error:\n  1  e  pager.escalate@1');
  });

  it('keeps lines short when 40 steps go out from one and come together in another', () => {
    const middle = Array.from({ length: 40 }, (_, at) => `m${at}`);
    const text = draw(
      `steps:\n  first: { wait: 5s }\n${middle.map((id) => `  ${id}: { wait: 5s, needs: [first] }\n`).join('')}  last: { wait: 5s, needs: [${middle.join(', ')}] }\n`,
      'text',
    );
    const lines = text.split('\n');
    expect(lines).toHaveLength(45);
    expect(lines[42]).toBe('  3  last      wait 5s           after m0, m1, m2, m3, m4, m5 and 34 more');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(100);
  });

  it('numbers 1,000 steps one after the other, in line', () => {
    const chain = Array.from(
      { length: 1_000 },
      (_, at) => `  s${at}: { wait: 5s${at === 0 ? '' : `, needs: [s${at - 1}]`} }\n`,
    );
    const lines = draw(`steps:\n${chain.join('')}`, 'text').split('\n');
    expect(lines[1]).toMatch(/^ {3}1 {2}s0 /);
    expect(lines[1_000]).toMatch(/^1000 {2}s999 /);
  });

  it('cuts a long expression off and keeps it on one line', () => {
    const long = `${'event.service == "web" && '.repeat(20)}true`;
    const text = draw(`steps: { a: { wait: 5s, when: "\${{ ${long.replaceAll('"', "'")} }}" } }\n`, 'text');
    expect(text.split('\n')[1]).toMatch(/when event\.service .{65}…$/);
  });
});

describe('a workflow for Mermaid', () => {
  it('has a box for each part, a dotted edge for each failure and each undo, and ids that are no words of Mermaid', () => {
    expect(draw(EVERYTHING, 'mermaid')).toBe(`flowchart TD
  subgraph part_steps ["test.flow version 3"]
    steps_end["end<br/>lb.remove@1"]
    steps_class["class<br/>host.clone@1"]
    steps_look["look<br/>host.describe@1<br/>every 5s until result.state == #34;running#34;"]
    steps_subgraph(["subgraph<br/>wait 90s"])
    steps_graph[/"graph<br/>signal approve"/]
    steps_style{{"style<br/>lb.add@1<br/>when event.service == #34;a#124;b#34; #124;#124; event.service == #34;#93;#60;b#62;#38;#35;34#59;#34;"}}
    steps_end --> steps_class
    steps_class --> steps_look
    steps_look --> steps_subgraph
    steps_look -. "failed or skipped" .-> steps_graph
    steps_subgraph --> steps_style
    undo_end[["undo: lb.add@1"]]
    steps_end -.- undo_end
    undo_class[["undo: host.terminate@1"]]
    steps_class -.- undo_class
  end
  subgraph part_on_error ["on error, after undoing in reverse order"]
    on_error_escalate["escalate<br/>pager.escalate@1"]
  end
  subgraph part_finally ["finally"]
    finally_tell["tell<br/>notify.send@1"]
    finally_more["more<br/>notify.send@1"]
    finally_tell --> finally_more
  end
  part_steps -. "error" .-> part_on_error
  part_steps --> part_finally
  part_on_error --> part_finally`);
  });

  it('leaves nothing in a label that could end it, whatever an expression holds', () => {
    const wild = 'event.summary == "\\"`[]{}()<>|#;&%%{init}💩--> end"';
    const text = draw(`steps: { a: { wait: 5s, when: '\${{ ${wild} }}' } }\n`, 'mermaid');
    const label = /\(\["(.*)"\]\)/.exec(text)?.[1] ?? '';
    expect(label.replaceAll('<br/>', '').replaceAll(/#\d+;/g, '')).toMatch(/^[\p{L}\p{N} _.,:@()?!=+*/-]+$/u);
  });

  it.each(loadShippedWorkflows(actions).map((workflow) => [workflow.name, workflow] as const))(
    'draws %s with its error path and its end',
    (_name, workflow) => {
      const text = renderWorkflowGraph(workflow, 'mermaid', actions);
      for (const { id } of workflow.steps) expect(text).toContain(`    steps_${id}`);
      for (const { id } of workflow.onError.steps) expect(text).toContain(`    on_error_${id}`);
      for (const { id } of workflow.finally) expect(text).toContain(`    finally_${id}`);
    },
  );
});

describe('a workflow for Graphviz', () => {
  it('has a cluster for each part and escapes what would end a text', () => {
    const text = draw(EVERYTHING, 'dot');
    expect(text).toContain('    "steps.style" [label="style\\nlb.add@1\\nwhen event.service == \\"a|b\\"');
    expect(text).toContain('    "steps.class" -> "undo.class" [style=dotted, dir=none];');
    expect(text).toContain(
      '  "steps.end" -> "on_error.escalate" [ltail="cluster_steps", lhead="cluster_on_error"',
    );
    expect(text.split('\n').filter((line) => line.trim().startsWith('subgraph'))).toHaveLength(3);
  });
});
