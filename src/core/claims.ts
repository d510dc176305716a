/**
 * Expiring claims on a size: how many replicas there should be at least, and who
 * says so. The size is the largest claim in force, never above the maximum, so
 * that a sale, an outage and a scale-up need not know of each other.
 */
import type { Instant } from "./time.ts";

export type Claim = {
  /** "base", "sale:POLICY", "outage", "scale_up:POLICY"; a newer claim of the same holder replaces the older. */
  readonly holder: string;
  /** At least 0, whole. */
  readonly size: number;
  /** Exclusive end; null: until withdrawn. */
  readonly until: Instant | null;
  readonly why: string;
};

/** Holder of the size a workload had before anybody claimed one. */
export const BASE = "base";

/** What is kept of one workload. JSON-safe. */
export type WorkloadClaims = {
  readonly workload: string;
  readonly claims: readonly Claim[];
  /** The object whose size is claimed. */
  readonly of: "autoscaler" | "deployment";
  readonly name: string;
  /** What we wrote last; before that, what was found. */
  readonly written: number;
  /** Somebody else wrote over this size, and it was left to them. */
  readonly left: { readonly wanted: number; readonly manager: string } | null;
};

/** What is to be done about a size as it is found. */
export type SizeStep =
  /** It is as claimed, or somebody wants it larger, or it was left to somebody. */
  | { readonly kind: "keep" }
  | { readonly kind: "reached"; readonly size: number }
  | { readonly kind: "write"; readonly to: number }
  /** What we had written for this very size is not there any more. */
  | { readonly kind: "overwritten"; readonly wanted: number }
  /** Nobody claims anything any more, and the base is there again, or is somebody else's business. */
  | { readonly kind: "over" };

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

/**
 * What to do about a size that is found to be `size` and may not be above `max`.
 *
 * What others wrote is never fought: a size they made larger stays, one they wrote over ours is left
 * to them until another one is claimed, and it is not set back to the base at the end.
 */
export function sizeStep(kept: WorkloadClaims, { size, max }: { readonly size: number; readonly max: number | null }, now: Instant): SizeStep {
  const wanted = claimedSize(kept.claims, max ?? Infinity, now).size;
  const ours = size === kept.written;
  const unclaimed = inForce(kept.claims, now).every((made) => made.holder === BASE);
  if (unclaimed && (size === wanted || !ours)) return { kind: "over" };
  if (size === wanted) return { kind: "reached", size };
  if (kept.left?.wanted === wanted) return { kind: "keep" };
  if (!ours && size > wanted) return { kind: "keep" };
  return !ours && kept.written === wanted ? { kind: "overwritten", wanted } : { kind: "write", to: wanted };
}
