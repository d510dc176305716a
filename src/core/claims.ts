/**
 * Expiring claims on a size: how many replicas there should be at least, and who
 * says so. The size is the largest claim in force, never above the maximum, so
 * that a sale, an outage and a scale-up need not know of each other.
 */
import type { Instant } from "./time.ts";

export type Claim = {
  /** "base", "sale", "outage", "scale_up:POLICY"; a newer claim of the same holder replaces the older. */
  readonly holder: string;
  /** At least 0, whole. */
  readonly size: number;
  /** Exclusive end; null: until withdrawn. */
  readonly until: Instant | null;
  readonly why: string;
};

/** Most claims kept at once; beyond it the ones that end first are forgotten. */
export const MAX_CLAIMS = 64;

/** Puts a claim in place of its holder's older one, and forgets those that have ended. */
export function claim(claims: readonly Claim[], made: Claim, now: Instant): readonly Claim[] {
  const kept = inForce(claims, now).filter((other) => other.holder !== made.holder);
  const all = [...kept, made];
  if (all.length <= MAX_CLAIMS) return all;
  return all.toSorted((a, b) => (b.until ?? Infinity) - (a.until ?? Infinity)).slice(0, MAX_CLAIMS);
}

export function withdraw(claims: readonly Claim[], holder: string): readonly Claim[] {
  return claims.filter((other) => other.holder !== holder);
}

export function inForce(claims: readonly Claim[], now: Instant): readonly Claim[] {
  return claims.filter((made) => made.until === null || made.until > now);
}

/**
 * The size claimed now.
 *
 * @returns the largest claim in force, at most `max`, at least 0, and the claim that decides; null when nobody claims anything.
 */
export function claimedSize(claims: readonly Claim[], max: number, now: Instant): { readonly size: number; readonly by: Claim | null } {
  let by: Claim | null = null;
  for (const made of inForce(claims, now)) if (by === null || made.size > by.size) by = made;
  return { size: Math.max(0, Math.min(by?.size ?? 0, max)), by };
}
