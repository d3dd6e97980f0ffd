import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  DurationSchema,
  formatDuration,
  parseDuration,
  parseYamlDocument,
  suggest,
  validateDocument,
} from '@lazarus/core/documents';
import { ConfigurationError, formatIssue } from '../../src/errors/lazarus-error.ts';

const Schema = z.strictObject({
  name: z.string().min(1),
  mode: z.enum(['off', 'notify', 'act']).default('notify'),
  after: DurationSchema.optional(),
  checks: z
    .array(
      z.strictObject({
        checkName: z.string(),
        default: z.union([z.number().min(1), z.boolean()]).optional(),
      }),
    )
    .optional(),
  labels: z.record(z.string(), z.strictObject({ text: z.string() })).optional(),
});

function messages(text: string): readonly string[] {
  try {
    validateDocument(Schema, parseYamlDocument(text, { file: 'rules/a.yaml' }));
  } catch (error) {
    if (error instanceof ConfigurationError) return error.issues.map(formatIssue);
    throw error;
  }
  return [];
}

describe('document validation', () => {
  it('returns what the schema makes of the document, defaults and durations included', () => {
    const document = parseYamlDocument('name: a\nafter: 10m\n', { file: 'a.yaml' });
    expect(validateDocument(Schema, document)).toEqual({ name: 'a', mode: 'notify', after: 600_000 });
  });

  it('reports all issues in the order of the text, each with place, path, found and expected', () => {
    const text =
      'naem: x\nmode: notfy\nafter: 3\nchecks:\n  - checkname: a\n  - { checkName: 4, default: 0 }\n';
    expect(messages(text)).toEqual([
      'rules/a.yaml:1:1 name found nothing, expected a string',
      'rules/a.yaml:1:1 naem found the unknown key "naem" (did you mean "name"?)',
      'rules/a.yaml:2:7 mode found string "notfy", expected off | notify | act (did you mean "notify"?)',
      'rules/a.yaml:3:8 after found number 3, expected a duration such as 500ms, 30s, 10m or 2h',
      'rules/a.yaml:5:5 checks[0].checkName found nothing, expected a string',
      'rules/a.yaml:5:5 checks[0].checkname found the unknown key "checkname" (did you mean "checkName"?)',
      'rules/a.yaml:6:18 checks[1].checkName found number 4, expected a string',
      'rules/a.yaml:6:30 checks[1].default found number 0, expected at least 1',
    ]);
  });

  it('suggests keys inside records and lists what is known when nothing is near', () => {
    expect(messages('name: a\nlabels:\n  x: { txt: b, text: c }\n')).toEqual([
      'rules/a.yaml:3:8 labels.x.txt found the unknown key "txt" (did you mean "text"?)',
    ]);
    expect(messages('name: a\nzzzzzz: 1\n')).toEqual([
      'rules/a.yaml:2:1 zzzzzz found the unknown key "zzzzzz" (known here: after, checks, labels, mode, name)',
    ]);
  });

  it('names what every alternative expects when none fits', () => {
    expect(messages('name: a\nchecks: [{ checkName: b, default: text }]\n')).toEqual([
      'rules/a.yaml:2:35 checks[0].default found string "text", expected a number or true or false',
    ]);
  });

  it('refuses an empty document at its first position', () => {
    expect(messages('')).toEqual(['rules/a.yaml:1:1 found null, expected a mapping']);
  });
});

describe('a duration', () => {
  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['3d', 259_200_000],
    ['0s', 0],
  ])('%s is %i ms', (text, durationMs) => {
    expect(parseDuration(text)).toBe(durationMs);
    expect(parseDuration(formatDuration(durationMs))).toBe(durationMs);
  });

  it.each(['', '30', '1.5h', '-1s', '1h30m', '30 s', '030s', '30S', '367d', '999999999h'])(
    'refuses %j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
      expect(DurationSchema.safeParse(text).success).toBe(false);
    },
  );
});

describe('a suggestion', () => {
  const names = ['MinActiveHosts', 'MaxActiveHosts', 'HealthCheckDown', 'PeerCheck'];
  it.each([
    ['MinActivHosts', 'MinActiveHosts'],
    ['max_active_hosts', 'MaxActiveHosts'],
    ['HealthcheckDown', 'HealthCheckDown'],
    ['PerCheck', 'PeerCheck'],
    ['PeerChcek', 'PeerCheck'],
    ['Weather', undefined],
    ['', undefined],
  ])('for %j is %j', (word, meant) => {
    expect(suggest(word, names)).toBe(meant);
  });

  it('is not looked for when the word is longer than 64 characters', () => {
    expect(suggest('a'.repeat(10_000), ['a'.repeat(64)])).toBeUndefined();
  });
});
