import { Environment } from '@marcbachmann/cel-js';
import type { TypeShape } from './value-type.ts';

const OPTIONS = {
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: 500, maxDepth: 24, maxListElements: 100, maxMapEntries: 100, maxCallArguments: 16 },
};

/** Parses and evaluates; types are only known at run time here. */
export const evaluation = withNumbers(new Environment({ ...OPTIONS, unlistedVariablesAreDyn: true }));

/** Knows no variable yet; copied for each scope, because registering operators costs a thousand times a copy. */
const checking = withNumbers(new Environment(OPTIONS));

/** Lets numbers of the document (CEL doubles) meet whole-number literals (CEL ints). */
function withNumbers(environment: Environment): Environment {
  const combine: Readonly<Record<string, (left: number, right: number) => number>> = {
    '+': (left, right) => left + right,
    '-': (left, right) => left - right,
    '*': (left, right) => left * right,
    '/': (left, right) => left / right,
  };
  for (const [left, right] of [
    ['double', 'int'],
    ['int', 'double'],
  ] as const) {
    for (const [operator, run] of Object.entries(combine)) {
      environment.registerOperator(`${left} ${operator} ${right}: double`, (a: unknown, b: unknown) =>
        run(Number(a), Number(b)),
      );
    }
  }
  environment.registerOperator('double == int: bool', (a: unknown, b: unknown) => Number(a) === Number(b));
  return environment;
}

/** The variables that an expression may use, with their types. A scope that extends another one shares what that one made. */
export class TypeScope {
  readonly names: readonly string[];
  readonly #shapes: Readonly<Record<string, TypeShape>>;
  readonly #base: TypeScope | undefined;
  #environment: Environment | undefined;

  constructor(shapes: Readonly<Record<string, TypeShape>>, base?: TypeScope) {
    this.#shapes = shapes;
    this.#base = base;
    this.names = [...(base?.names ?? []), ...Object.keys(shapes)];
  }

  /** This scope and more variables, none of which it knows already. */
  extend(shapes: Readonly<Record<string, TypeShape>>): TypeScope {
    return Object.keys(shapes).length === 0 ? this : new TypeScope(shapes, this);
  }

  /** Made when it is first needed: most scopes of a document are never asked. */
  get environment(): Environment {
    if (this.#environment !== undefined) return this.#environment;
    const environment = (this.#base?.environment ?? checking).clone();
    for (const [name, shape] of Object.entries(this.#shapes)) {
      if (typeof shape === 'string') environment.registerVariable(name, shape);
      else environment.registerVariable({ name, schema: shape });
    }
    this.#environment = environment;
    return environment;
  }
}
