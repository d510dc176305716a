/**
 * What an answer of Cloudflare's API means: a result, a refusal that changed nothing, or nothing that can be relied on.
 *
 * The status alone does not say: a failure may come with 200 and `success: false`, a 5xx as a page of HTML.
 */
import type * as z from "zod";
import { shortened } from "../../core/shortened.ts";
import type { Ms } from "../../core/time.ts";
import type { HttpAnswer } from "../../ports/http.ts";
import type { TrafficErrorCode } from "../../ports/traffic.ts";
import { lockOutOf } from "./rate-limit.ts";
import { envelope, type Envelope } from "./schemas.ts";

export type Meaning<T> =
  | { readonly kind: "result"; readonly result: T }
  /** A change that was asked for was not made. */
  | { readonly kind: "refused"; readonly code: TrafficErrorCode; readonly detail: string; readonly retryAfterMs: Ms }
  /** A change that was asked for may have been made. */
  | { readonly kind: "unclear"; readonly detail: string };

/** By Cloudflare's own code, where the status is below 500. Others go by the status. */
const BY_CODE: ReadonlyMap<number, TrafficErrorCode> = new Map([
  [971, "RATE_LIMITED"],
  [10429, "RATE_LIMITED"],
  // "Authentication error", "Unable to authenticate request", "Invalid access token", "Invalid request headers".
  [10000, "UNAUTHORIZED"],
  [10001, "UNAUTHORIZED"],
  [9109, "UNAUTHORIZED"],
  [6003, "UNAUTHORIZED"],
  // "No route for that URI", "Could not route to …, perhaps your object identifier is invalid?", "Record does not exist."
  [7000, "NOT_FOUND"],
  [7003, "NOT_FOUND"],
  [81044, "NOT_FOUND"],
  // "DNS Validation Error", "Content for A record must be a valid IPv4 address.", "A record with that host already exists.", "An identical record already exists."
  [1004, "INVALID"],
  [9005, "INVALID"],
  [81053, "INVALID"],
  [81057, "INVALID"],
  [81058, "INVALID"],
]);

const BY_STATUS: ReadonlyMap<number, TrafficErrorCode> = new Map([
  [400, "INVALID"],
  [401, "UNAUTHORIZED"],
  [403, "UNAUTHORIZED"],
  [404, "NOT_FOUND"],
  [409, "INVALID"],
  [413, "INVALID"],
  [415, "INVALID"],
  [422, "INVALID"],
]);

/** Never throws. */
export function meaningOf<Schema extends z.ZodType>(answer: HttpAnswer, schema: Schema): Meaning<z.infer<Schema>> {
  const { status, headers } = answer;
  const told = envelopeOf(answer);
  if (status === 429 || (told !== null && status < 500 && !told.success && codeOf(told) === "RATE_LIMITED")) {
    return { kind: "refused", code: "RATE_LIMITED", detail: told === null ? `status ${status}` : failureOf(told, status), retryAfterMs: lockOutOf(headers) };
  }
  if (told === null) return { kind: "unclear", detail: answer.bodyCut ? `status ${status} with more than could be read` : `status ${status} with a body that is none of its API's` };
  if (told.success) return resultOf(told, status, schema);
  const code = status >= 500 ? undefined : (codeOf(told) ?? BY_STATUS.get(status));
  const detail = failureOf(told, status);
  return code === undefined ? { kind: "unclear", detail } : { kind: "refused", code, detail, retryAfterMs: 0 };
}

function resultOf<Schema extends z.ZodType>(told: Envelope, status: number, schema: Schema): Meaning<z.infer<Schema>> {
  if (status < 200 || status >= 300) return { kind: "unclear", detail: `status ${status} that calls itself a success` };
  const parsed = schema.safeParse(told.result);
  if (parsed.success) return { kind: "result", result: parsed.data };
  const [issue] = parsed.error.issues;
  return { kind: "unclear", detail: shortened(`status ${status}, but its result${issue === undefined ? "" : `.${issue.path.join(".")}: ${issue.message}`}`, 200) };
}

function envelopeOf({ body, bodyCut }: HttpAnswer): Envelope | null {
  if (bodyCut) return null;
  try {
    return envelope.safeParse(JSON.parse(body)).data ?? null;
  } catch {
    return null;
  }
}

/** Of the first error that is known. */
function codeOf({ errors }: Envelope): TrafficErrorCode | undefined {
  return (errors ?? []).map(({ code }) => BY_CODE.get(code)).find((code) => code !== undefined);
}

/** "status 400, 9005: Content for A record must be a valid IPv4 address." */
function failureOf({ errors }: Envelope, status: number): string {
  const words = (errors ?? []).slice(0, 3).flatMap(({ code, message, error_chain = [] }) => [
    `${code}: ${message}`,
    ...error_chain.slice(0, 3).map((link) => `${link.code ?? "?"}: ${link.message ?? ""}`),
  ]);
  return shortened([`status ${status}`, ...words].join(", "), 300);
}
