import { AnswerSchema, QuestionSchema } from '@lazarus/quorum';
import { anEvent } from '@lazarus/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPlainAnswer, readPlainQuestion } from '../src/ballot/read-message.ts';

const id = fc.string({ minLength: 1, maxLength: 12 });
const binding = {
  version: fc.constant(1),
  decision_id: id,
  config_digest: fc.string({ maxLength: 12 }),
  membership_epoch: fc.nat(),
  nonce: id,
  expires_at: fc.double({ noNaN: true, noDefaultInfinity: true }),
};
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const question = fc.record({
  ...binding,
  coordinator: id,
  expires_in_ms: fc.integer({ min: 0, max: 600_000 }),
  event: fc.constant(anEvent()),
  rule: id,
  host_id: maybe(id),
  revalidates: maybe(fc.boolean()),
  supposed: maybe(fc.boolean()),
});
const answer = fc.record({
  ...binding,
  voter: id,
  zone: id,
  verdict: fc.constantFrom('yes', 'no'),
  checks: fc.array(
    fc.record({
      check: id,
      verdict: fc.constantFrom('pass', 'fail'),
      reason: maybe(fc.string({ maxLength: 20 })),
      evidence: maybe(fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue(), { maxKeys: 3 })),
      durationMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
    }),
    { maxLength: 4 },
  ),
});

/** Values at and beyond every bound. */
const odd = fc.oneof(
  fc.constantFrom(null, undefined, true, 0, -1, 0.5, NaN, Infinity, '', {}, [], 2 ** 53, 600_001),
  fc.constantFrom(64, 65, 128, 129, 1_000, 1_001).map((length) => 'x'.repeat(length)),
  fc.jsonValue(),
);
/** Replaces, adds or removes one field, at the top or in the first check or the event. */
const mutation = fc.record({
  place: fc.constantFrom('top', 'check', 'event', 'evidence'),
  field: fc.oneof(
    id,
    fc.constantFrom(
      ...Object.keys(binding),
      'voter',
      'zone',
      'verdict',
      'checks',
      'check',
      'reason',
      'evidence',
      'durationMs',
      'coordinator',
      'expires_in_ms',
      'event',
      'rule',
      'host_id',
      'revalidates',
      'supposed',
      'id',
      'time',
    ),
  ),
  value: fc.option(odd, { nil: 'remove' }),
});

function mutate(
  message: unknown,
  changes: readonly { place: string; field: string; value: unknown }[],
): unknown {
  const copy = JSON.parse(JSON.stringify(message)) as Record<string, unknown>;
  for (const { place, field, value } of changes) {
    const checks: unknown = copy['checks'];
    const check = (Array.isArray(checks) ? checks[0] : undefined) as Record<string, unknown> | undefined;
    const places = { top: copy, check, event: copy['event'], evidence: check?.['evidence'] };
    const target = places[place as keyof typeof places];
    if (typeof target !== 'object' || target === null) continue;
    if (value === 'remove') Reflect.deleteProperty(target, field);
    else Reflect.set(target, field, value);
  }
  return copy;
}

describe.each([
  ['question', question, QuestionSchema, readPlainQuestion],
  ['answer', answer, AnswerSchema, readPlainAnswer],
] as const)('plain check of a %s', (_what, messages, schema, read) => {
  it('accepts what is written by a node, as the schema reads it', () => {
    fc.assert(
      fc.property(messages as fc.Arbitrary<object>, (message) => {
        const received: unknown = JSON.parse(JSON.stringify(message));
        expect(read(received)).toEqual(schema.parse(received));
      }),
      { numRuns: 300 },
    );
  });

  it('accepts nothing that the schema refuses, in 3 000 messages with up to 3 changes', () => {
    fc.assert(
      fc.property(
        messages as fc.Arbitrary<object>,
        fc.array(mutation, { maxLength: 3 }),
        (message, changes) => {
          const received = mutate(message, changes);
          const plain = read(received);
          if (plain === undefined) return;
          expect(schema.safeParse(received)).toMatchObject({ success: true });
          expect(plain).toEqual(schema.parse(received));
        },
      ),
      { numRuns: 3_000 },
    );
  });
});
