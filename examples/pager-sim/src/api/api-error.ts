import type { z } from 'zod';

/** A refusal of the REST API with the error document that goes with it. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: 400 | 401 | 404 | 413 | 429;
  readonly code: number;
  readonly errors: readonly string[];

  constructor(status: ApiError['status'], code: number, message: string, errors: readonly string[] = []) {
    super(message);
    this.status = status;
    this.code = code;
    this.errors = errors;
  }

  toJSON() {
    const { message, code, errors } = this;
    return { error: { message, code, ...(errors.length > 0 && { errors }) } };
  }
}

export const invalidInput = (...errors: string[]): ApiError =>
  new ApiError(400, 2001, 'Invalid Input Provided', errors);
export const notFound = (): ApiError => new ApiError(404, 2100, 'Not Found');
export const rateLimited = (): ApiError => new ApiError(429, 2020, 'Rate Limit Exceeded');

/** Parses a JSON body; what is wrong with it becomes the `errors` of a 400. */
export function parseBody<T>(text: string, schema: z.ZodType<T>): T {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw invalidInput('The body is not JSON');
  }
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw invalidInput(
    ...parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`),
  );
}
