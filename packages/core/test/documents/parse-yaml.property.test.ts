import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseYamlDocument, parseYamlDocuments } from '@lazarus/core/documents';
import { ConfigurationError } from '../../src/errors/lazarus-error.ts';

const fragment = fc.constantFrom(
  'a',
  'b: ',
  '- ',
  '? ',
  ': ',
  '[',
  ']',
  '{',
  '}',
  ',',
  '\n',
  '  ',
  '"',
  "'",
  '|\n',
  '>-\n',
  '#',
  '&x ',
  '*x',
  '!t ',
  '---\n',
  '...\n',
  '%A\n',
  '\t',
  '1',
  '\\',
  '\u0000',
  '\ufeff',
  'é',
  '<<: ',
);

describe('any text', () => {
  it('is parsed or refused with a ConfigurationError that names positions inside the text', () => {
    fc.assert(
      fc.property(
        fc.array(fragment, { maxLength: 200 }).map((parts) => parts.join('')),
        (text) => {
          try {
            parseYamlDocuments(text, { file: 'x' });
          } catch (error) {
            expect(error).toBeInstanceOf(ConfigurationError);
            const lines = text.split('\n');
            for (const issue of (error as ConfigurationError).issues) {
              expect(issue.line).toBeGreaterThan(0);
              expect(issue.line).toBeLessThanOrEqual(lines.length);
              expect(issue.column).toBeGreaterThan(0);
            }
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('any JSON text', () => {
  it('means the same as in JSON.parse', () => {
    const json = fc
      .jsonValue({ maxDepth: 4 })
      .filter((value) => !JSON.stringify(value).includes('__proto__'));
    fc.assert(
      fc.property(json, (value) => {
        const text = JSON.stringify(value);
        expect(parseYamlDocument(text, { file: 'x' }).value).toEqual(JSON.parse(text));
      }),
      { numRuns: 1_000 },
    );
  });
});
