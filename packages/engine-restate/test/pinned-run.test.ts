import { parseOptions } from '@lazarus/core/errors';
import { describe, expect, it } from 'vitest';
import { RestateEngineOptions } from '../src/options.ts';
import { fromWire, pinRun, toWire } from '../src/run/pinned-run.ts';
import type { PinnedWire } from '../src/run/pinned-run.ts';
import { isSealed, seal } from '../src/run/run-seal.ts';
import { aRequest, createDesk } from './support/desk.ts';

const KEY = 'a key that every process of ours has';

function aWire(): PinnedWire {
  const desk = createDesk();
  const workflow = desk.workflow(
    'metadata: { name: test.one, version: 1 }\nsteps: { a: { uses: desk.act@1 } }\n',
  );
  return toWire(
    pinRun(aRequest('test.one', { inputs: { b: 1, 7: 2 } }), workflow, { z: 1, 3: 'x' }, desk.actions, 1_000),
  );
}

/** As it comes out of the journal of Restate. */
const traveled = (wire: PinnedWire): PinnedWire => JSON.parse(JSON.stringify(wire)) as PinnedWire;

describe('a run on its way', () => {
  it('comes back as it was, without its seal', () => {
    const wire = aWire();
    expect(toWire(fromWire(traveled(seal('run', wire, KEY))))).toEqual(wire);
  });

  it('is refused when its definition is another one under a digest that is known', () => {
    const wire = aWire();
    fromWire(wire);
    const forged = wire.definition.replace('desk.act', 'desk.destroy');
    expect(() => fromWire({ ...wire, definition: forged })).toThrow('its digest is not of');
    expect(fromWire(wire).definition.steps[0]).toMatchObject({ uses: 'desk.act@1' });
  });

  it('is refused when its digest is that of another definition', () => {
    expect(() => fromWire({ ...aWire(), digest: 'f'.repeat(64) })).toThrow('its digest is not of');
  });

  it('has a seal that holds on the way, and breaks with any change, any other key, and without one', () => {
    const sealed = traveled(seal('run', aWire(), KEY));
    expect(isSealed('run', sealed, KEY)).toBe(true);
    const changes: Partial<PinnedWire>[] = [
      { startedAtMs: 2_000 },
      { request: { ...sealed.request, service: 'db' } },
    ];
    for (const change of changes) expect(isSealed('run', Object.assign({}, sealed, change), KEY)).toBe(false);
    expect(isSealed('run', sealed, `${KEY}!`)).toBe(false);
    expect(isSealed('run', aWire(), KEY)).toBe(false);
    expect(isSealed('signal', sealed, KEY)).toBe(false);
  });
});

describe('who may call', () => {
  const identityKeys = ['publickeyv1_w7YHemBctH5Ck2nQRQ47iBBqhNHy4FV7t2Usbye2A6f'];
  const near = [{ ingressUrl: 'http://127.0.0.1:8080', adminUrl: 'http://127.0.0.1:9070' }];
  const far = [{ ingressUrl: 'http://10.0.2.7:8080', adminUrl: 'http://10.0.2.7:9070' }];
  const parse = (options: object) =>
    parseOptions('createRestateEngine', RestateEngineOptions, options as never);

  for (const host of ['127.0.0.1', '127.8.8.8', '::1', 'localhost'])
    it(`is not asked on ${host}, which only this machine reaches`, () => {
      expect(() => parse({ servers: near, listen: { host } })).not.toThrow();
    });

  for (const host of ['0.0.0.0', '::', '10.0.2.7', 'node.internal', '127.evil.example'])
    it(`must be known by a key when it listens on ${host}`, () => {
      expect(() => parse({ servers: near, listen: { host } })).toThrow('identityKeys');
      expect(() => parse({ servers: near, listen: { host }, identityKeys })).not.toThrow();
    });

  it('must be known by a key when the ingress is on another machine', () => {
    expect(() => parse({ servers: [...near, ...far] })).toThrow('submissionKey');
    expect(() => parse({ servers: [...near, ...far], submissionKey: KEY })).not.toThrow();
  });
});
