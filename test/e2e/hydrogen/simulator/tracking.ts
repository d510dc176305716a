/**
 * The visitor tokens and cookies the Storefront API hands out.
 *
 * They are what makes two answers to one question differ, and what a cache must
 * never replay. The API echoes the tokens it was sent, or makes new ones; cookies
 * a visitor has already are not set again. Their values are guesses; names,
 * attributes and moments are the real API's.
 */
import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** `essential`: the visitor has not consented to analytics and marketing. `off`: no tokens, no cookies. */
export type TrackingMode = "full" | "essential" | "off";

export type Tracking = { readonly serverTiming: readonly string[]; readonly cookies: readonly string[] };

const ATTRIBUTES = "Path=/; Max-Age=31536000; Secure; SameSite=Lax";

export function isTrackingMode(value: unknown): value is TrackingMode {
  return value === "full" || value === "essential" || value === "off";
}

export function track(mode: TrackingMode, headers: IncomingHttpHeaders): Tracking {
  if (mode === "off") return { serverTiming: [], cookies: [] };
  const sent = headers.cookie ?? "";
  const visitor = single(headers["x-shopify-uniquetoken"]) ?? randomUUID();
  const visit = single(headers["x-shopify-visittoken"]) ?? randomUUID();
  const serverTiming = [`_y;desc="${visitor}"`, `_s;desc="${visit}"`];
  const cookies: string[] = [];
  if (!sent.includes("_shopify_essential=")) cookies.push(`_shopify_essential=${sealed(randomUUID())}; ${ATTRIBUTES}; HttpOnly`);
  if (mode === "full" && !sent.includes("_shopify_analytics=")) {
    serverTiming.push('_cmp;desc="3.AMPS_USNY_f_f_x"');
    cookies.push(`_shopify_analytics=${sealed(visitor)}; ${ATTRIBUTES}`, `_shopify_marketing=${sealed(visit)}; ${ATTRIBUTES}`);
  }
  return { serverTiming, cookies };
}

function sealed(value: string): string {
  return `:${Buffer.from(value).toString("base64url")}:`;
}

function single(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.[0];
}
