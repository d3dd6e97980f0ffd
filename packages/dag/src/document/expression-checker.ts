import { ConfigurationError } from '@lazarus/core';
import { didYouMean } from '@lazarus/core/documents';
import type { DocumentPath } from '@lazarus/core/documents';
import type { Json } from '@lazarus/core/ports';
import { TypeScope } from '../expression/cel-environment.ts';
import type { Reference } from '../expression/cel-tree.ts';
import type { Expression } from '../expression/expression.ts';
import { parseTemplate, textsIn } from '../expression/template.ts';
import type { Template } from '../expression/template.ts';
import { fits, jsonSchemaOf, plainType, shapeOf, typeName, typeOfValue } from '../expression/value-type.ts';
import type { JsonSchema, TypeShape, ValueType } from '../expression/value-type.ts';
import { hintFor } from './known-names.ts';
import { baseShapes, stepShape } from './scopes.ts';
import type { CheckInput } from './step-group.ts';

/** What an expression at one place may read. */
export interface Place {
  /** Steps of the workflow that certainly or possibly ran before. */
  readonly visible: ReadonlySet<string>;
  /** Those of them that certainly succeeded. */
  readonly certain: ReadonlySet<string>;
  /** Values that may be missing need no `??` here. */
  readonly mayBeMissing?: boolean;
  readonly extra?: Readonly<Record<string, TypeShape>>;
}

/** Something that is wrong with one expression. */
interface Fault {
  readonly message: string;
  readonly hint: string;
}

/** Checks the expressions of one document, each at its place, and collects what is wrong with them. */
export class ExpressionChecker {
  readonly #input: CheckInput;
  readonly #base: TypeScope;
  /** Scopes by what makes them differ: making one costs more than checking an expression. */
  readonly #scopes = new Map<string, TypeScope>();

  constructor(input: CheckInput) {
    this.#input = input;
    this.#base = new TypeScope(baseShapes(input.document));
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
      const schema = Object.hasOwn(properties, key) ? properties[key] : undefined;
      if (textsIn(value).length > 0) this.#value([...path, key], value, place, schema ?? {});
    }
  }

  /** A value with an expression somewhere in it; zod sees those without. */
  #value(path: DocumentPath, value: Json, place: Place, schema: JsonSchema): void {
    const wanted = plainType(shapeOf(schema));
    if (typeof value === 'string' && value.includes('${{')) {
      this.text(path, value, place, wanted);
      return;
    }
    const found = typeOfValue(value);
    if (!fits(found, wanted)) {
      this.#input.issues.add(path, `found ${typeName(found)}, expected ${typeName(wanted)}`);
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries<Json>(value as Readonly<Record<string, Json>>)) {
      const segment = Array.isArray(value) ? Number(key) : key;
      this.#value([...path, segment], inner, place, innerSchema(schema, key));
    }
  }

  /** One text: parses, checks what it reads, then its type. */
  text(path: DocumentPath, text: string, place: Place, wanted: ValueType): Template | undefined {
    const template = this.#parse(path, text);
    if (template === undefined) return undefined;
    if (wanted === 'bool' && template.expressions.length === 0) {
      this.#input.issues.add(path, `found ${JSON.stringify(text)}, expected an expression`, '${{ … }}');
      return undefined;
    }
    const wrong = template.expressions.flatMap((expression) => this.#faults(expression, place));
    for (const { message, hint } of wrong) this.#input.issues.add(path, message, hint);
    if (wrong.length > 0) return undefined;
    const { type, messages } = template.check(this.#scope(template, place));
    for (const message of new Set(messages))
      this.#input.issues.add(path, `the expression does not fit: ${message}`);
    if (messages.length > 0) return undefined;
    if (fits(type, wanted)) return template;
    this.#input.issues.add(path, `the expression gives ${typeName(type)}, expected ${typeName(wanted)}`);
    return undefined;
  }

  /** A duration: one expression as a whole, and an input that it names is a duration that cannot be missing. */
  duration(path: DocumentPath, text: string, place: Place): void {
    if (!text.includes('${{')) return;
    const template = this.text(path, text, place, 'string');
    const [expression] = template?.expressions ?? [];
    if (template === undefined || expression === undefined) return;
    if (!template.isWhole) {
      this.#input.issues.add(
        path,
        `found ${JSON.stringify(text)}, expected one expression and nothing beside it`,
        '${{ inputs.NAME }}',
      );
      return;
    }
    const [variable, name = '', ...rest] = expression.references[0] ?? [];
    if (variable !== 'inputs' || rest.length > 0 || expression.source !== `inputs.${name}`) return;
    const declared = this.#input.document.inputs[name];
    if (declared?.type === 'duration' && (declared.required === true || declared.default !== undefined))
      return;
    if (declared?.type === 'duration')
      this.#input.issues.add(
        path,
        `input ${JSON.stringify(name)} may be missing`,
        `give it a default, or write ${expression.source} ?? '5m'`,
      );
    else
      this.#input.issues.add(
        path,
        `input ${JSON.stringify(name)} is a ${declared?.type ?? 'value'}, expected a duration`,
        'declare it with type: duration',
      );
  }

  /** One mapped output of a step. */
  output(path: DocumentPath, text: string, result: TypeShape, place: Place): void {
    if (text.startsWith('$.')) {
      this.#resultPath(path, text.slice(2).split('.'), result);
      return;
    }
    const template = this.text(path, text, { ...place, extra: { ...place.extra, result } }, 'dyn');
    if (template?.expressions.length === 0)
      this.#input.issues.add(
        path,
        `found ${JSON.stringify(text)}, expected $.path or an expression over result`,
      );
  }

  #resultPath(path: DocumentPath, segments: readonly string[], result: TypeShape): void {
    let shape: TypeShape = result;
    for (const [index, segment] of segments.entries()) {
      const before = ['result', ...segments.slice(0, index)].join('.');
      if (segment === '') {
        this.#input.issues.add(path, `found ${JSON.stringify(`$.${segments.join('.')}`)}, expected $.path`);
        return;
      }
      if (shape === 'dyn' || shape === 'map') return;
      if (typeof shape === 'string') {
        this.#input.issues.add(
          path,
          `${before} is ${typeName(shape)} and has no ${JSON.stringify(segment)}`,
          `$.${segments.slice(0, index).join('.')}`,
        );
        return;
      }
      if (!Object.hasOwn(shape, segment)) {
        const known = Object.keys(shape);
        const who = index === 0 ? 'the result' : before;
        this.#input.issues.add(path, `${who} has no ${JSON.stringify(segment)}`, hintFor(segment, known));
        return;
      }
      shape = shape[segment] ?? 'dyn';
    }
  }

  #parse(path: DocumentPath, text: string): Template | undefined {
    try {
      return parseTemplate(text);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      this.#input.issues.add(path, error.message);
      return undefined;
    }
  }

  /** The types of what the text reads, and of nothing else: a long workflow has hundreds of steps. */
  #scope(template: Template, place: Place): TypeScope {
    const read = template.expressions.flatMap(({ references }) =>
      references.flatMap(([variable, step = '']) => (variable === 'steps' ? [step] : [])),
    );
    const steps = [...new Set(read)].sort();
    const extra = { ...place.extra };
    const key = JSON.stringify([steps, extra]);
    let scope = this.#scopes.get(key);
    if (scope === undefined) {
      const shapes = Object.fromEntries(
        steps.map((step) => [step, stepShape(this.#input.document, step, this.actions, this.#base)]),
      );
      scope = this.#base.extend({ ...extra, ...(steps.length === 0 ? {} : { steps: shapes }) });
      this.#scopes.set(key, scope);
    }
    return scope;
  }

  #faults(expression: Expression, place: Place): readonly Fault[] {
    const faults = expression.references.flatMap((reference) => this.#fault(reference, expression, place));
    return [...new Map(faults.map((fault) => [fault.message, fault])).values()];
  }

  #fault(reference: Reference, expression: Expression, place: Place): readonly Fault[] {
    const [variable = '', name] = reference;
    const known = [...this.#base.names, 'steps', ...Object.keys(place.extra ?? {})];
    if (!known.includes(variable)) {
      return [
        { message: `found the unknown variable ${JSON.stringify(variable)}`, hint: hintFor(variable, known) },
      ];
    }
    if (variable === 'inputs' && name !== undefined) return this.#unknownInput(name);
    return variable === 'steps' ? this.#stepFault(reference, expression, place) : [];
  }

  /** An input that is not declared would fail at run time, in `on_error` at the worst moment. Keeps S10. */
  #unknownInput(name: string): readonly Fault[] {
    const inputs = Object.keys(this.#input.document.inputs);
    if (inputs.includes(name)) return [];
    const hint = didYouMean(name, inputs) ?? 'declare it under inputs';
    return [{ message: `found the unknown input ${JSON.stringify(name)}`, hint }];
  }

  #stepFault(reference: Reference, expression: Expression, place: Place): readonly Fault[] {
    const [, step, part] = reference;
    if (step === undefined) return [{ message: 'steps is read by name', hint: 'steps.NAME.outputs.FIELD' }];
    const { steps } = this.#input.document;
    if (!Object.hasOwn(steps, step)) {
      return [
        {
          message: `found the unknown step ${JSON.stringify(step)}`,
          hint: hintFor(step, Object.keys(steps)),
        },
      ];
    }
    if (!place.visible.has(step))
      return [
        { message: `step ${JSON.stringify(step)} does not come before this one`, hint: 'add it to needs' },
      ];
    const isSure = place.certain.has(step) || place.mayBeMissing === true || expression.hasFallback;
    if (part !== 'outputs' || isSure) return [];
    const hint = `add a fallback: ${reference.join('.')} ?? 'none'`;
    return [{ message: `step ${JSON.stringify(step)} may have no outputs here`, hint }];
  }
}

/** Schema of an entry of a list or a mapping; an empty one where nothing is said. */
function innerSchema(schema: JsonSchema, key: string): JsonSchema {
  if (schema.type === 'array') return schema.items ?? {};
  const { properties = {}, additionalProperties } = schema;
  if (Object.hasOwn(properties, key)) return properties[key] ?? {};
  return typeof additionalProperties === 'object' ? additionalProperties : {};
}
