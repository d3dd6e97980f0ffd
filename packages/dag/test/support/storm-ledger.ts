import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** One line of what the processes did. */
export interface StormLine {
  readonly generation: number;
  /**
   * `accepted`, `refused`: what the journal said to lines of a run. `let_go`: the engine gave the run up to another.
   * `paged`: the engine itself changed a page, beside the workflow.
   */
  readonly kind: 'body' | 'effect' | 'created' | 'finished' | 'accepted' | 'refused' | 'let_go' | 'paged';
  readonly run: string;
  readonly step?: string;
  readonly attempt?: number;
  readonly key?: string;
  readonly epoch?: number;
  readonly owner?: string;
  readonly from?: number;
  readonly status?: string;
  readonly page?: string;
  /** What was done to the page, and why. */
  readonly call?: string;
}

const fileOf = (folder: string): string => join(folder, 'ledger.log');

/** Complete lines; SIGKILL can tear one when it meets a write that crosses a page, and that one was never written. */
function parse(text: string): readonly StormLine[] {
  return text
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as StormLine];
      } catch {
        return [];
      }
    });
}

/** Every complete line of the ledger. */
export function readLedger(folder: string): readonly StormLine[] {
  return existsSync(fileOf(folder)) ? parse(readFileSync(fileOf(folder), 'utf8')) : [];
}

/**
 * The ledger of one process: append-only, shared with the processes before it and beside it. What a line holds is with the
 * operating system when the call returns, so a kill does not take it back.
 */
export class StormLedger {
  readonly #generation: number;
  readonly #output: number;
  readonly #input: number;
  /** Effects by idempotency key: the provider knows them for ever, whoever asked for them. */
  readonly #effects = new Set<string>();
  #readTo = 0;

  constructor(folder: string, generation: number) {
    this.#generation = generation;
    this.#output = openSync(fileOf(folder), 'a');
    this.#input = openSync(fileOf(folder), 'r');
    const { size } = fstatSync(this.#input);
    const last = Buffer.alloc(1);
    // Closes the line that the process before was killed in.
    if (size > 0 && readSync(this.#input, last, 0, 1, size - 1) === 1 && last.toString() !== '\n')
      writeSync(this.#output, '\n');
  }

  note(line: Omit<StormLine, 'generation'>): void {
    writeSync(this.#output, `${JSON.stringify({ generation: this.#generation, ...line })}\n`);
  }

  /** Whether the effect is known, also when another process had it a moment ago. */
  hasEffect(key: string): boolean {
    const fresh = Buffer.alloc(fstatSync(this.#input).size - this.#readTo);
    readSync(this.#input, fresh, 0, fresh.length, this.#readTo);
    const end = fresh.lastIndexOf('\n') + 1;
    this.#readTo += end;
    for (const line of parse(fresh.subarray(0, end).toString())) {
      if (line.kind === 'effect' && line.key !== undefined) this.#effects.add(line.key);
    }
    return this.#effects.has(key);
  }

  close(): void {
    closeSync(this.#output);
    closeSync(this.#input);
  }
}
