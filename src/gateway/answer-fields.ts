/**
 * Header fields of an answer that came from the application.
 */
import type { IncomingHttpHeaders } from "node:http";
import type { RouteMode } from "../core/preset.ts";
import { nameSet } from "../core/name-set.ts";
import { field, responseFields } from "./headers.ts";
import { policyNonce } from "./nonce.ts";
import type { CacheResult } from "./telemetry.ts";

export type AnswerAs = {
  readonly mode: RouteMode;
  /** The request was personal. */
  readonly personal: boolean;
  readonly result: Extract<CacheResult, "MISS" | "EXPIRED" | "BYPASS">;
  readonly requestId: string;
  /** The gateway is ending: the connection is not to be kept. */
  readonly closing: boolean;
};

const OURS = nameSet(["request-id", "x-cache-status", "cache-status"]);
const OURS_AND_CONTROL = nameSet(["request-id", "x-cache-status", "cache-status", "cache-control"]);

/**
 * Builds all fields, flat.
 *
 * @param whole leave Content-Length and Trailer out, since the body is sent as one.
 */
export function answerFields(status: number, headers: IncomingHttpHeaders, whole: boolean, as: AnswerAs): string[] {
  const control = cacheControlFor(headers, as);
  const ours = control === null ? OURS : OURS_AND_CONTROL;
  const fields = responseFields(headers, whole ? (name) => ours(name) || name === "content-length" || name === "trailer" : ours);
  if (control !== null) fields.push("cache-control", control);
  const before = field(headers, "cache-status");
  const said = `shopkeeper; fwd=${FORWARDED[as.result]}; fwd-status=${status}`;
  fields.push("cache-status", before === "" ? said : `${before}, ${said}`, "x-cache-status", as.result, "request-id", as.requestId);
  if (as.closing) fields.push("connection", "close");
  return fields;
}

const FORWARDED: Readonly<Record<AnswerAs["result"], string>> = { MISS: "uri-miss", EXPIRED: "stale", BYPASS: "bypass" };

/**
 * What caches beyond us are told; null: what the application says.
 *
 * Answers with a Set-Cookie or for somebody in particular are nobody else's. Where the application calls an
 * answer public (hashed assets), it is so for a buyer with a cart too. A page with a nonce is for one use.
 */
function cacheControlFor(headers: IncomingHttpHeaders, { mode, personal }: AnswerAs): string | null {
  if (headers["set-cookie"] !== undefined) return "private, no-store";
  const said = field(headers, "cache-control");
  const isPublic = /(?:^|[\s,])(?:public|immutable)(?:[\s,=]|$)/i.test(said);
  switch (mode) {
    case "page":
      if (personal) return "private, no-store";
      return said === "" || policyNonce(field(headers, "content-security-policy")) !== null ? "no-store" : null;
    case "asset":
    case "pass":
      return personal && !isPublic ? "private, no-store" : null;
    case "never":
      return isPublic && !personal ? null : "private, no-store";
  }
}
