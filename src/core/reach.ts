/**
 * Whether one sidecar reaches another: what it answers at `/health/peers/{address}` to whoever cannot reach that one itself.
 *
 * One observer's silence may be its own way's fault. A pod that a sibling reaches is there.
 */
import type { Instant, Ms } from "./time.ts";

export type Reach =
  /** It answered, whatever it said. */
  | { readonly kind: "reached" }
  | { readonly kind: "not_reached"; readonly cause: string }
  /** Nothing is known: too many ask, or the siblings' names cannot be resolved. */
  | { readonly kind: "unknown"; readonly why: string }
  /** No sibling has that address. */
  | { readonly kind: "stranger" };

/** What the siblings of a pod say of it. */
export type SiblingWord = {
  /** When the newest of them answered. */
  readonly at: Instant;
  /** The sibling that reached it; null: none of those who answered did. */
  readonly reachedBy: string | null;
  /** How many gave an answer that says something. */
  readonly told: number;
};

/** Older than this it says nothing of now. Looks at a pod out of reach come every second or two. */
export const WORD_LASTS: Ms = 5_000;

export const isFresh = ({ at }: SiblingWord, now: Instant): boolean => now - at <= WORD_LASTS;

/** Reads such an answer. null: it says nothing, as of a sidecar too old to be asked. */
export function parseReach(json: unknown): boolean | null {
  if (typeof json !== "object" || json === null) return null;
  const { reached } = json as { readonly reached?: unknown };
  return typeof reached === "boolean" ? reached : null;
}
