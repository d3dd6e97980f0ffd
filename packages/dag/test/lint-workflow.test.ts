import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadWorkflow } from '../src/index.ts';
import { registry } from './support/bench.ts';

const HEAD =
  'apiVersion: lazarus.dev/v1\nkind: Workflow\nmetadata: { name: test.flow, version: 1 }\nsteps:\n';

function warningsOf(text: string): readonly string[] {
  const warnings: string[] = [];
  loadWorkflow(text, {
    file: 'w.yaml',
    actions: registry,
    onWarning: ({ line, column, message }) => warnings.push(`${line}:${column} ${message}`),
  });
  return warnings;
}

describe('a workflow that repairs something', () => {
  it('and never resolves its page is loaded with a warning at its steps', () => {
    expect(warningsOf(`${HEAD}  a: { uses: lb.remove@1, with: { host: i-1 } }\n`)).toEqual([
      expect.stringMatching(/^5:3 no step resolves the page/),
    ]);
  });

  it.each([
    ['under a condition', 'when: \'${{ event.service == "web" }}\''],
    ['after a failure', 'needs: [{ step: a, on: [failed] }]'],
  ])('and resolves it only %s is loaded with a warning at that step', (_title, more) => {
    const text = `${HEAD}  a: { uses: lb.remove@1, with: { host: i-1 } }
  done: { uses: pager.resolve@1, ${more}, with: { incident: INC-1 } }
`;
    expect(warningsOf(text)).toEqual([expect.stringMatching(/^6:9 the page is not resolved after every/)]);
  });

  it('and resolves its page is loaded without one', () => {
    const text = `${HEAD}  a: { uses: lb.remove@1, with: { host: i-1 } }
  done: { uses: pager.resolve@1, needs: [a], with: { incident: INC-1 } }
`;
    expect(warningsOf(text)).toEqual([]);
  });

  it('and ends a host before its replacement is verified is loaded with a warning', () => {
    const text = `${HEAD}  clone: { uses: host.clone@1, with: { from: i-1 } }
  end: { uses: host.terminate@1, needs: [clone], with: { host: i-1 } }
  done: { uses: pager.resolve@1, needs: [end], with: { incident: INC-1 } }
`;
    expect(warningsOf(text)).toEqual(['6:8 host.terminate@1 runs before a replacement is verified']);
  });
});

describe('a workflow that launches a host', () => {
  const flow = (aside: string): string => `${HEAD}  clone: { uses: host.clone@1, with: { from: i-1 } }
  aside: { uses: host.set_state@1, needs: [clone], with: { host: i-1, ${aside} } }
  done: { uses: pager.resolve@1, needs: [aside], with: { incident: INC-1 } }
`;

  it.each(['state: forensics', 'state: removing', "state: '${{ event.attributes.state }}'"])(
    'and puts one aside before a replacement is verified is loaded with a warning: %s',
    (aside) => {
      expect(warningsOf(flow(aside))).toEqual([
        '6:10 host.set_state@1 runs before a replacement is verified',
      ]);
    },
  );

  it.each(['state: active', 'state: launching'])('and only marks it is loaded without one: %s', (aside) => {
    expect(warningsOf(flow(aside))).toEqual([]);
  });

  it('and verifies before it launches is loaded with a warning', () => {
    const text = `${HEAD}  verify: { uses: healthcheck.verify@1, with: { host: i-1 } }
  clone: { uses: host.clone@1, needs: [verify], with: { from: i-1 } }
  end: { uses: host.terminate@1, needs: [clone], with: { host: i-1 } }
  done: { uses: pager.resolve@1, needs: [end], with: { incident: INC-1 } }
`;
    expect(warningsOf(text)).toEqual(['7:8 host.terminate@1 runs before a replacement is verified']);
  });
});

describe('the shipped workflows', () => {
  it('are loaded without a warning', () => {
    const folder = new URL('../workflows/', import.meta.url);
    for (const name of readdirSync(folder))
      expect({ name, warnings: warningsOf(readFileSync(new URL(name, folder), 'utf8')) }).toEqual({
        name,
        warnings: [],
      });
  });
});
