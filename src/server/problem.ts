/**
 * Errors of the API: RFC 9457 `application/problem+json` with a stable `code`.
 */

/** Every code the API answers with. Stable: scripts match on it. */
export const PROBLEMS = {
  UNAUTHORIZED: { status: 401, title: "A valid token is needed" },
  FORBIDDEN: { status: 403, title: "This token may not do that" },
  NOT_FOUND: { status: 404, title: "There is no such thing here" },
  INVALID_REQUEST: { status: 400, title: "The request is not valid" },
  REFUSED: { status: 409, title: "Refused" },
  TOO_MANY_REQUESTS: { status: 429, title: "Too many requests" },
  UNAVAILABLE: { status: 503, title: "Not available now" },
  INTERNAL: { status: 500, title: "An error of Shopkeeper's own" },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ProblemCode;
  /** What was expected, and what to do. */
  readonly detail: string;
};

/** The body of an error answer. `type` is "about:blank": the code is the identity (RFC 9457 §4.2.1). */
export function problem(code: ProblemCode, detail: string): Problem {
  const { status, title } = PROBLEMS[code];
  return { type: "about:blank", title, status, code, detail };
}

/** Thrown by a route; the listener answers with it. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly code: ProblemCode;

  constructor(code: ProblemCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
  }
}
