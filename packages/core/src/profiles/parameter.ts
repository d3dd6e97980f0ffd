import { z } from 'zod';
import { describeFound } from '../documents/document-path.ts';
import { parseDuration } from '../documents/duration.ts';
import { didYouMean } from '../documents/suggest.ts';

const description = z.string().min(1).max(512);
const number = z.number();

/** A parameter of a profile: its type, range and text, and its default unless every service has to give a value. */
export const ParameterSchema = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('integer'),
      description,
      default: z.int().optional(),
      min: z.int().optional(),
      max: z.int().optional(),
    }),
    z.strictObject({
      type: z.literal('number'),
      description,
      default: number.optional(),
      min: number.optional(),
      max: number.optional(),
    }),
    z.strictObject({
      type: z.literal('duration'),
      description,
      default: z.string().optional(),
      min: z.string().optional(),
      max: z.string().optional(),
    }),
    z.strictObject({ type: z.literal('text'), description, default: z.string().optional() }),
    z.strictObject({ type: z.literal('boolean'), description, default: z.boolean().optional() }),
    z.strictObject({
      type: z.literal('choice'),
      description,
      choices: z.array(z.string().min(1)).min(1).max(50),
      default: z.string().optional(),
    }),
  ])
  .superRefine((parameter, context) => {
    if (parameter.type === 'duration') {
      for (const bound of ['min', 'max'] as const) {
        const text = parameter[bound];
        if (text !== undefined && parseDuration(text) === undefined) {
          context.addIssue({
            code: 'custom',
            path: [bound],
            message: 'expected a duration such as 30s or 10m',
          });
        }
      }
    }
    const problem =
      parameter.default === undefined ? undefined : checkParameter(parameter, parameter.default);
    if (problem !== undefined)
      context.addIssue({ code: 'custom', path: ['default'], message: problem.message });
  });

/** A parameter, checked. */
export type Parameter = z.output<typeof ParameterSchema>;

/** Why a value does not fit a parameter. */
export interface ParameterProblem {
  readonly message: string;
  readonly hint?: string;
}

/** Checks a value against type and range of a parameter; `undefined` when it fits. */
export function checkParameter(parameter: Parameter, value: unknown): ParameterProblem | undefined {
  const found = `found ${describeFound(value)}`;
  switch (parameter.type) {
    case 'integer':
    case 'number': {
      const fits = parameter.type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value);
      if (!fits)
        return {
          message: `${found}, expected ${parameter.type === 'integer' ? 'a whole number' : 'a number'}`,
        };
      return checkRange(value as number, parameter.min, parameter.max, found, String);
    }
    case 'duration': {
      const durationMs = typeof value === 'string' ? parseDuration(value) : undefined;
      if (durationMs === undefined) return { message: `${found}, expected a duration such as 30s or 10m` };
      const [minMs, maxMs] = [parameter.min, parameter.max].map((bound) =>
        bound === undefined ? undefined : parseDuration(bound),
      );
      const name = (boundMs: number): string =>
        boundMs === minMs ? (parameter.min ?? '') : (parameter.max ?? '');
      return checkRange(durationMs, minMs, maxMs, found, name);
    }
    case 'text':
      return typeof value === 'string' ? undefined : { message: `${found}, expected text` };
    case 'boolean':
      return typeof value === 'boolean' ? undefined : { message: `${found}, expected true or false` };
    case 'choice': {
      if (typeof value === 'string' && parameter.choices.includes(value)) return undefined;
      const hint = typeof value === 'string' ? didYouMean(value, parameter.choices) : undefined;
      return {
        message: `${found}, expected ${parameter.choices.join(' | ')}`,
        ...(hint === undefined ? {} : { hint }),
      };
    }
  }
}

function checkRange(
  value: number,
  min: number | undefined,
  max: number | undefined,
  found: string,
  name: (bound: number) => string,
): ParameterProblem | undefined {
  if (min !== undefined && value < min) return { message: `${found}, expected at least ${name(min)}` };
  if (max !== undefined && value > max) return { message: `${found}, expected at most ${name(max)}` };
  return undefined;
}
