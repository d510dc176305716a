/** Times of the cluster: a Date from the generated APIs, text from watches and microtimes. */
import type { Instant } from "../../core/time.ts";

/** @returns null for none, and for what is no time. */
export function instantOf(time: Date | string | undefined | null): Instant | null {
  if (time === undefined || time === null) return null;
  const at = new Date(time).getTime();
  return Number.isNaN(at) ? null : at;
}
