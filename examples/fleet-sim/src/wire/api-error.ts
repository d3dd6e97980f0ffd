/** Which of the two APIs a request belongs to; the name is that of the SigV4 credential scope. */
export type ApiName = 'ec2' | 'elasticloadbalancing';

/**
 * A refusal by the provider: becomes the error document of the API and, in the SDK, the `name` of the error.
 *
 * EC2 codes arrive as they are (`InvalidInstanceID.NotFound`); ELBv2 codes get the suffix of the SDK's class
 * (`InvalidTarget` becomes `InvalidTargetException`).
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export function missingParameter(name: string): ApiError {
  return new ApiError('MissingParameter', `The request must contain the parameter ${name}`);
}

export function invalidParameter(message: string): ApiError {
  return new ApiError('InvalidParameterValue', message);
}
