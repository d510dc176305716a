/**
 * The pause between two flips, so that buyers are never thrown to and fro.
 *
 * It is counted from when the mark's epoch was first *seen* to have changed, by one's own clock; the time written in the
 * mark is another machine's and is never read. A person who has looked lifts it for that epoch.
 */
import type { Instant } from "../time.ts";
import type { RegionName, RegionRules } from "./region.ts";
import { stoodFor, type MarkMemory } from "./standing.ts";

/** A site's entries are marked with this epoch when a person hands them over: nothing has been flipped yet. */
export const FIRST_EPOCH = 1;

type Told = { readonly region: RegionName; readonly epoch: number; readonly seenForMs: number };

/**
 * Until when nothing is flipped; null: it may be.
 *
 * @param acknowledged the epoch up to which a person has lifted the block; 0: none.
 */
export function blockedUntil(memory: MarkMemory, told: readonly Told[], acknowledged: number, now: Instant, { block }: RegionRules): Instant | null {
  if (memory.epoch <= FIRST_EPOCH || memory.epoch <= acknowledged) return null;
  const left = block - stoodFor(memory, told, now);
  return left > 0 ? now + left : null;
}
