/**
 * How old a copy is, and what it may still be used for.
 *
 * Two windows stand side by side beyond freshness (RFC 5861): `stale-while-revalidate` while all is
 * well, `stale-if-error` when the application fails.
 */
import type { CopyMeta } from "./copy.ts";
import type { Instant, Ms } from "./time.ts";

/**
 * `fresh`: serve. `revalidate`: serve, and refresh behind the buyer's back. `error_only`: only when the
 * application fails. `expired`: not at all.
 */
export type Freshness = "fresh" | "revalidate" | "error_only" | "expired";

export type CopyAge = {
  readonly freshness: Freshness;
  /** May it stand in for a failing application? */
  readonly onError: boolean;
  readonly age: Ms;
  /** Freshness left; negative once stale. */
  readonly ttlLeft: Ms;
  /** How long it can still stand in for a failing application; 0 once it cannot. */
  readonly runway: Ms;
};

/** Reads a copy's age at an instant. A copy from the future counts as just filled. */
export function copyAge(meta: Pick<CopyMeta, "filledAt" | "ttl" | "staleWhileRevalidate" | "staleIfError">, now: Instant): CopyAge {
  const age = Math.max(0, now - meta.filledAt);
  const ttlLeft = meta.ttl - age;
  // What may be served while all is well may be served when it is not.
  const runway = Math.max(0, ttlLeft + Math.max(meta.staleIfError, meta.staleWhileRevalidate));
  return { freshness: freshnessOf(ttlLeft, meta.staleWhileRevalidate, runway), onError: runway > 0, age, ttlLeft, runway };
}

function freshnessOf(ttlLeft: Ms, staleWhileRevalidate: Ms, runway: Ms): Freshness {
  if (ttlLeft > 0) return "fresh";
  if (ttlLeft + staleWhileRevalidate > 0) return "revalidate";
  return runway > 0 ? "error_only" : "expired";
}
