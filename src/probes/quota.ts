/**
 * How much of an API's quota is left, as far as it can be known.
 *
 * The Admin API publishes it. The Storefront API publishes nothing: there it is the
 * share of answers of the last minute that were not throttled; without answers it is
 * unknown, never a made-up 100 %.
 */
import type { Measured } from "../core/assertion.ts";
import type { Instant, Ms } from "../core/time.ts";
import { isRecord } from "./health-body.ts";

const WINDOW_MS: Ms = 60_000;
/** Answers remembered at most; the oldest go first. */
const MAX_ANSWERS = 1_000;

/** The answers of the last minute. */
export class ThrottleShare {
  #answers: { readonly at: Instant; readonly throttled: boolean }[] = [];

  note(at: Instant, throttled: boolean): void {
    this.#answers.push({ at, throttled });
    if (this.#answers.length > MAX_ANSWERS) this.#answers.shift();
  }

  measure(now: Instant): Measured {
    this.#answers = this.#answers.filter(({ at }) => now - at < WINDOW_MS);
    if (this.#answers.length === 0) return { kind: "missing", why: "no traffic in the last minute", source: "answers" };
    const free = this.#answers.filter(({ throttled }) => !throttled).length;
    return { kind: "number", value: (free / this.#answers.length) * 100, dimension: "percent", source: "answers" };
  }
}

/**
 * The quota an answer publishes, in percent: `extensions.cost.throttleStatus` of a GraphQL body,
 * or the header `X-Shopify-Shop-Api-Call-Limit: 32/40`.
 *
 * @returns null where it publishes none, or one that makes no sense.
 */
export function publishedQuota(json: unknown, headers: Readonly<Record<string, string>>): Measured | null {
  const extensions = isRecord(json) && isRecord(json["extensions"]) ? json["extensions"] : {};
  const cost = isRecord(extensions["cost"]) ? extensions["cost"] : {};
  const status = isRecord(cost["throttleStatus"]) ? cost["throttleStatus"] : {};
  const fromBody = share(Number(status["currentlyAvailable"]), Number(status["maximumAvailable"]), "body");
  if (fromBody !== null) return fromBody;
  const limit = /^(\d+)\/(\d+)$/.exec(headers["x-shopify-shop-api-call-limit"] ?? "");
  return limit === null ? null : share(Number(limit[2]) - Number(limit[1]), Number(limit[2]), "header");
}

function share(left: number, whole: number, source: string): Measured | null {
  if (!(whole > 0) || !Number.isFinite(left)) return null;
  return { kind: "number", value: Math.min(100, Math.max(0, (left / whole) * 100)), dimension: "percent", source };
}
