/** Chance and identity as a port, so that a run with a given seed repeats exactly. */
export interface Ids {
  /** A new identifier, unique in this deployment, 1 to 64 characters of `[A-Za-z0-9_-]`. */
  next(prefix?: string): string;
}

/** Random numbers as a port. */
export interface Random {
  /** A number in `[0, 1)`. */
  next(): number;
}
