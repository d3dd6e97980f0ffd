/** The table of error codes, and how options and assumptions are checked: for packages that extend Lazarus. */
export { ERROR_CODES, type ErrorCode } from './codes.ts';
export { formatIssue, invariant, type LazarusErrorInit } from './lazarus-error.ts';
export { parseOptions } from './parse-options.ts';
