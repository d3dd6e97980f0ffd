import type { Scalar } from './value-test.ts';

/**
 * Where a value stands inside the lists of an event: pairs of list number and position. Two values agree when no list
 * holds them at different positions; `undefined` agrees with everything.
 */
export type Place = readonly number[] | undefined;

/** A value of a field. */
export interface FieldValue {
  readonly value: Scalar;
  readonly place: Place;
}

interface PathNode {
  readonly children: Map<string, PathNode>;
  /** Number of the path that ends here, or -1. */
  path: number;
}

/** Numbers the paths that patterns ask for, and reads them from events in one walk that skips everything else. */
export class FieldReader {
  readonly #root: PathNode = { children: new Map(), path: -1 };
  readonly #numbers = new Map<string, number>();

  /** The numbered paths, in the order of their numbers. */
  get paths(): readonly string[] {
    return [...this.#numbers.keys()];
  }

  /** Number of a path (keys joined with dots). */
  numberOf(path: string): number {
    const known = this.#numbers.get(path);
    if (known !== undefined) return known;
    let node = this.#root;
    for (const key of path.split('.')) {
      let child = node.children.get(key);
      if (child === undefined) {
        child = { children: new Map(), path: -1 };
        node.children.set(key, child);
      }
      node = child;
    }
    node.path = this.#numbers.size;
    this.#numbers.set(path, node.path);
    return node.path;
  }

  /** Reads the numbered fields of an event into `fields`; `present` receives the numbers that were found. */
  read(event: unknown, fields: (FieldValue[] | undefined)[], present: number[]): void {
    new Walk(fields, present).visit(event, this.#root, undefined);
  }
}

class Walk {
  readonly #fields: (FieldValue[] | undefined)[];
  readonly #present: number[];
  #lists = 0;

  constructor(fields: (FieldValue[] | undefined)[], present: number[]) {
    this.#fields = fields;
    this.#present = present;
  }

  visit(value: unknown, node: PathNode, place: Place): void {
    if (typeof value !== 'object' || value === null) this.#add(value as Scalar | undefined, node, place);
    else if (Array.isArray(value)) this.#visitList(value, node, place);
    else this.#visitObject(value as Record<string, unknown>, node, place);
  }

  #visitObject(object: Readonly<Record<string, unknown>>, node: PathNode, place: Place): void {
    if (node.children.size === 0) return;
    for (const key of Object.keys(object)) {
      const child = node.children.get(key) ?? (key.includes('.') ? follow(node, key.split('.')) : undefined);
      if (child !== undefined) this.visit(object[key], child, place);
    }
  }

  #visitList(list: readonly unknown[], node: PathNode, place: Place): void {
    const number = this.#lists;
    this.#lists += 1;
    for (let position = 0; position < list.length; position += 1) {
      this.visit(
        list[position],
        node,
        place === undefined ? [number, position] : [...place, number, position],
      );
    }
  }

  #add(value: Scalar | undefined, node: PathNode, place: Place): void {
    if (node.path === -1 || value === undefined) return;
    const found = this.#fields[node.path];
    if (found === undefined) {
      this.#fields[node.path] = [{ value, place }];
      this.#present.push(node.path);
    } else {
      found.push({ value, place });
    }
  }
}

/** A key that holds dots reads like the path it spells. */
function follow(start: PathNode, keys: readonly string[]): PathNode | undefined {
  let node: PathNode | undefined = start;
  for (const key of keys) node = node?.children.get(key);
  return node;
}

/** The place that both agree on, or `false` when a list holds them at different positions. */
export function joinPlaces(left: Place, right: Place): Place | false {
  if (left === undefined || left === right) return right;
  if (right === undefined) return left;
  const joined = [...left];
  for (let at = 0; at < right.length; at += 2) {
    const list = right[at] ?? -1;
    const position = right[at + 1] ?? -1;
    let known = false;
    for (let other = 0; other < left.length; other += 2) {
      if (left[other] !== list) continue;
      if (left[other + 1] !== position) return false;
      known = true;
    }
    if (!known) joined.push(list, position);
  }
  return joined;
}
