/** The assertions that contract suites use: those of vitest, Jest and their like. */
export interface ContractMatchers {
  toBe(expected: unknown): void;
  toBeGreaterThan(expected: number): void;
  toBeLessThanOrEqual(expected: number): void;
  toBeUndefined(): void;
  toEqual(expected: unknown): void;
  toMatchObject(expected: object): void;
}

/** The test runner, passed in, so that a contract suite runs under any of them. */
export interface ContractRunner {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>): void;
  expect(value: unknown): ContractMatchers;
}
