import { ConfigurationError } from '@lazarus/core';
import { didYouMean } from '@lazarus/core/documents';
import type { DocumentPath } from '@lazarus/core/documents';
import type { Json } from '@lazarus/core/ports';
import type { Expression, ExpressionScope, Reference } from '../expression/expression.ts';
import { parseTemplate } from '../expression/template.ts';
import { fits, jsonSchemaOf, plainType, shapeOf, typeName } from '../expression/value-type.ts';
import type { TypeShape, ValueType } from '../expression/value-type.ts';
import { buildGraph } from '../graph/graph.ts';
import type { Graph } from '../graph/graph.ts';
import { baseScope, ERROR_SHAPE, outputShape, resultShape, stepsShape } from './scopes.ts';
import type { CheckInput, StepGroup } from './step-group.ts';
import { needsOf } from './step-group.ts';
import type { StepDocument } from './workflow-schema.ts';

/** What an expression at one place may read. */
interface Place {
  /** Steps of the workflow that certainly or possibly ran before. */
  readonly visible: ReadonlySet<string>;
  /** Those of them that certainly succeeded. */
  readonly certain: ReadonlySet<string>;
  /** Values that may be missing need no `??` here. */
  readonly mayBeMissing?: boolean;
  readonly extra?: ExpressionScope;
}

/** Every expression parses, reads only what is there, and gives what is asked for. */
export function checkExpressions(input: CheckInput): void {
  const { document, groups } = input;
  const checker = new ExpressionChecker(input);
  const everyStep = new Set(Object.keys(document.steps));
  const nobody: ReadonlySet<string> = new Set();
  for (const group of groups) {
    const graph = graphOf(group);
    for (const [id, step] of Object.entries(group.steps)) {
      const place: Place =
        group.phase === 'steps'
          ? { visible: graph?.ancestors(id) ?? nobody, certain: graph?.succeededBefore(id) ?? nobody }
          : { visible: everyStep, certain: nobody, extra: { error: ERROR_SHAPE } };
      checkStep(checker, [...group.path, id], id, step, place);
    }
  }
  for (const [name, text] of Object.entries(document.outputs)) {
    checker.text(
      ['outputs', name],
      text,
      { visible: everyStep, certain: everyStep, mayBeMissing: true },
      'dyn',
    );
  }
}

function graphOf(group: StepGroup): Graph | undefined {
  const checked = buildGraph(Object.entries(group.steps).map(([id, step]) => ({ id, needs: needsOf(step) })));
  return checked.ok ? checked.graph : undefined;
}

function checkStep(
  checker: ExpressionChecker,
  path: DocumentPath,
  id: string,
  step: StepDocument,
  place: Place,
): void {
  const result = resultShape(step, checker.actions);
  if (step.when !== undefined) checker.text([...path, 'when'], step.when, place, 'bool');
  for (const key of ['timeout', 'wait'] as const) {
    const value = step[key];
    if (typeof value === 'string') checker.text([...path, key], value, place, 'string');
  }
  checker.call([...path, 'with'], step.uses, step.with ?? {}, place);
  if (step.poll !== undefined) {
    checker.text(
      [...path, 'poll', 'until'],
      step.poll.until,
      { ...place, extra: { ...place.extra, result } },
      'bool',
    );
  }
  for (const [name, text] of Object.entries(step.outputs ?? {}))
    checker.output([...path, 'outputs', name], text, result);
  if (typeof step.compensate === 'object') {
    const own: Place = {
      ...place,
      visible: new Set([...place.visible, id]),
      certain: new Set([...place.certain, id]),
    };
    checker.call([...path, 'compensate', 'with'], step.compensate.uses, step.compensate.with, own);
  }
}

class ExpressionChecker {
  readonly #input: CheckInput;
  readonly #base: ExpressionScope;
  readonly #scopes = new Map<ReadonlySet<string>, TypeShape>();

  constructor(input: CheckInput) {
    this.#input = input;
    this.#base = baseScope(input.document);
  }

  get actions(): CheckInput['actions'] {
    return this.#input.actions;
  }

  /** Inputs of an action: each expression gives the type that the input takes. */
  call(
    path: DocumentPath,
    uses: string | undefined,
    given: Readonly<Record<string, Json>>,
    place: Place,
  ): void {
    const action = uses === undefined ? undefined : this.actions.get(uses);
    const properties = action === undefined ? {} : (jsonSchemaOf(action.input, 'input').properties ?? {});
    for (const [key, value] of Object.entries(given)) {
      const property = properties[key];
      const wanted = property === undefined ? 'dyn' : plainType(shapeOf(property));
      this.#value([...path, key], value, place, wanted);
    }
  }

  #value(path: DocumentPath, value: Json, place: Place, wanted: ValueType): void {
    if (typeof value === 'string') {
      if (value.includes('${{')) this.text(path, value, place, wanted);
    } else if (Array.isArray(value)) {
      for (const [index, item] of (value as readonly Json[]).entries())
        this.#value([...path, index], item, place, 'dyn');
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) this.#value([...path, key], inner, place, 'dyn');
    }
  }

  /** One text: parses, checks what it reads, then its type. */
  text(path: DocumentPath, text: string, place: Place, wanted: ValueType): void {
    const template = this.#parse(path, text);
    if (template === undefined) return;
    if (wanted === 'bool' && template.expressions.length === 0) {
      this.#input.issues.add(path, `found ${JSON.stringify(text)}, expected an expression`, '${{ … }}');
      return;
    }
    const wrong = template.expressions.flatMap((expression) => this.#references(expression, place));
    for (const { message, hint } of wrong) this.#input.issues.add(path, message, hint);
    if (wrong.length > 0) return;
    const { type, messages } = template.check(this.#scope(place));
    for (const message of messages) this.#input.issues.add(path, `the expression does not fit: ${message}`);
    if (messages.length === 0 && !fits(type, wanted)) {
      this.#input.issues.add(path, `the expression gives ${typeName(type)}, expected ${typeName(wanted)}`);
    }
  }

  /** One mapped output of a step. */
  output(path: DocumentPath, text: string, result: TypeShape): void {
    if (text.startsWith('$.')) {
      const first = text.slice(2).split('.')[0] ?? '';
      if (typeof result !== 'string' && !(first in result)) {
        this.#input.issues.add(
          path,
          `the result has no ${JSON.stringify(first)}`,
          didYouMean(first, Object.keys(result)) ?? `known here: ${Object.keys(result).join(', ')}`,
        );
      } else {
        outputShape(text, result);
      }
      return;
    }
    const template = this.#parse(path, text);
    if (template === undefined) return;
    if (template.expressions.length === 0)
      this.#input.issues.add(
        path,
        `found ${JSON.stringify(text)}, expected $.path or an expression over result`,
      );
    for (const message of template.check({ ...this.#base, result }).messages)
      this.#input.issues.add(path, `the expression does not fit: ${message}`);
  }

  #parse(path: DocumentPath, text: string): ReturnType<typeof parseTemplate> | undefined {
    try {
      return parseTemplate(text);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      this.#input.issues.add(path, error.message);
      return undefined;
    }
  }

  #scope(place: Place): ExpressionScope {
    let steps = this.#scopes.get(place.visible);
    if (steps === undefined) {
      steps = stepsShape(this.#input.document, place.visible, this.actions);
      this.#scopes.set(place.visible, steps);
    }
    return { ...this.#base, ...place.extra, steps };
  }

  #references(
    expression: Expression,
    place: Place,
  ): readonly { readonly message: string; readonly hint?: string }[] {
    return expression.references.flatMap((reference) => this.#reference(reference, expression, place));
  }

  /** An input that is not declared would fail at run time, in `on_error` at the worst moment. Keeps S10. */
  #unknownInput(name: string): readonly { readonly message: string; readonly hint?: string }[] {
    const declared = Object.keys(this.#input.document.inputs);
    if (declared.includes(name)) return [];
    return [
      {
        message: `found the unknown input ${JSON.stringify(name)}`,
        hint: didYouMean(name, declared) ?? `declare it under inputs`,
      },
    ];
  }

  #reference(
    reference: Reference,
    expression: Expression,
    place: Place,
  ): readonly { readonly message: string; readonly hint?: string }[] {
    const [variable = '', step, part] = reference;
    const known = ['inputs', 'event', 'run', 'steps', ...Object.keys(place.extra ?? {})];
    if (!known.includes(variable)) {
      return [
        {
          message: `found the unknown variable ${JSON.stringify(variable)}`,
          hint: didYouMean(variable, known) ?? `known here: ${known.join(', ')}`,
        },
      ];
    }
    if (variable === 'inputs' && step !== undefined) return this.#unknownInput(step);
    if (variable !== 'steps') return [];
    if (step === undefined) return [{ message: 'steps is read by name', hint: 'steps.NAME.outputs.FIELD' }];
    const ids = Object.keys(this.#input.document.steps);
    if (!ids.includes(step)) {
      const hint = didYouMean(step, ids);
      return [
        {
          message: `found the unknown step ${JSON.stringify(step)}`,
          ...(hint === undefined ? {} : { hint }),
        },
      ];
    }
    if (!place.visible.has(step))
      return [
        { message: `step ${JSON.stringify(step)} does not come before this one`, hint: 'add it to needs' },
      ];
    const isSure = place.certain.has(step) || place.mayBeMissing === true || expression.hasFallback;
    if (part === 'outputs' && !isSure) {
      return [
        {
          message: `step ${JSON.stringify(step)} may have no outputs here`,
          hint: `add a fallback: ${reference.join('.')} ?? 'none'`,
        },
      ];
    }
    return [];
  }
}
