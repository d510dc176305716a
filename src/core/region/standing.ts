/**
 * What stands at the provider, and which of two writers is right.
 *
 * Every flip raises the epoch of the mark by one. So:
 * - The higher epoch is right.
 * - Of equal epochs the one that was seen standing first is right. A change that does not raise the epoch was decided on
 *   what no longer stood: it is a late write, by whoever made it. The region that it pushed aside writes again: over a
 *   lower epoch its own mark as it was, over an equal one its own under the next epoch. So the late writer, which knows
 *   only its own mark, sees that raised, and both come to the same answer.
 * - A mark whose write the provider accepted, and which reading then shows never to have been written, has not stood: of
 *   equal epochs the one that is read is right.
 * - Where one reading shows two marks of one epoch beside each other and none is remembered, the more preferred region's.
 *
 * A value that contradicts its mark was put there by a person: our writes change both at once. It is never written over.
 */
import type { Instant, Ms } from "../time.ts";
import type { RegionMark } from "./mark.ts";
import { rankOf, type RegionName, type RegionPlan } from "./region.ts";

/** One entry at a provider, as far as rules look at it. */
export type EntrySeen = {
  readonly name: string;
  readonly leadsTo: RegionName | null;
  readonly mark: RegionMark | null;
  readonly foreign: string | null;
  /** Present: the provider itself decides; `leadsTo` is the region that it prefers. `unchecked`: by no health check. */
  readonly steered?: "checked" | "unchecked";
};

/** The mark that is right, as this daemon has seen it. */
export type MarkMemory = {
  readonly region: RegionName;
  readonly epoch: number;
  /** When it was first seen to stand, by the own clock. */
  readonly since: Instant;
  /** It was there when this daemon first looked, so nobody here knows for how long. */
  readonly found: boolean;
};

export type Standing =
  /** Never read yet. */
  | { readonly kind: "unread" }
  /** Not ours to write: why, in one sentence. */
  | { readonly kind: "not_ours"; readonly why: string }
  /** The provider's own health checks decide where buyers are led, and ask each region for its health; nothing is ever written. */
  | { readonly kind: "steered"; readonly prefers: RegionName | null }
  | {
      readonly kind: "ours";
      /** Where buyers are led now; null: the entries differ. */
      readonly leadsTo: RegionName | null;
      /** Every entry bears the right mark. */
      readonly whole: boolean;
      /** An entry bears another region's mark of the same epoch as the right one. */
      readonly contested: boolean;
      /** Marks beside the right one, "ap epoch 6", for people. */
      readonly others: readonly string[];
      readonly right: MarkMemory;
    };

export type Read = { readonly standing: Standing; readonly memory: MarkMemory | null };

/**
 * Takes in what was read of all entries.
 *
 * @param denied the mark remembered is this daemon's own, was accepted, and reading has shown that nothing was written.
 */
export function readStanding(plan: RegionPlan, memory: MarkMemory | null, entries: readonly EntrySeen[], now: Instant, denied = false): Read {
  if (entries.length > 0 && entries.every(({ steered }) => steered === "checked")) return { standing: { kind: "steered", prefers: commonOf(entries) }, memory };
  const why = notOurs(plan, entries);
  if (why !== null) return { standing: { kind: "not_ours", why }, memory };
  const marks = entries.flatMap((entry) => (entry.mark === null ? [] : [entry.mark]));
  const right = remember(plan, memory, marks, now, denied);
  if (right === null) return { standing: { kind: "not_ours", why: "the provider has no entry of this site" }, memory };
  const others = marks.filter((mark) => !isSame(mark, right));
  const standing: Standing = {
    kind: "ours",
    leadsTo: commonOf(entries),
    whole: others.length === 0,
    contested: others.some((mark) => mark.epoch === right.epoch),
    others: [...new Set(others.map((mark) => `${mark.region} epoch ${mark.epoch}`))],
    right,
  };
  return { standing, memory: right };
}

/** null: they lead to several. */
function commonOf(entries: readonly EntrySeen[]): RegionName | null {
  const [first] = entries;
  return first !== undefined && entries.every(({ leadsTo }) => leadsTo === first.leadsTo) ? first.leadsTo : null;
}

/** The mark that the right region writes to push a late write aside. */
export function repairEpoch(standing: Extract<Standing, { readonly kind: "ours" }>): number {
  return standing.contested ? standing.right.epoch + 1 : standing.right.epoch;
}

/**
 * For how long the right mark is known to stand.
 *
 * @param told what others say for how long they have seen that very mark: a length of time by their own clock.
 */
export function stoodFor(memory: MarkMemory, told: readonly { readonly region: RegionName; readonly epoch: number; readonly seenForMs: number }[], now: Instant): Ms {
  return Math.max(now - memory.since, ...told.filter((one) => isSame(one, memory)).map((one) => one.seenForMs));
}

/** Below this what another one says makes no difference worth writing down. */
const OLDER_BY: Ms = 10_000;

/**
 * Takes over from others how long the right mark has stood, while they can still say so: the region that could tell may be
 * the one that is lost next, and a daemon that has lost its state would wait for a whole hour.
 */
export function learnAge(memory: MarkMemory, told: readonly { readonly region: RegionName; readonly epoch: number; readonly seenForMs: number }[], now: Instant): MarkMemory {
  const since = now - stoodFor(memory, told, now);
  return memory.since - since > OLDER_BY ? { ...memory, since } : memory;
}

function isSame(one: { readonly region: RegionName; readonly epoch: number }, other: { readonly region: RegionName; readonly epoch: number }): boolean {
  return one.region === other.region && one.epoch === other.epoch;
}

function remember(plan: RegionPlan, memory: MarkMemory | null, marks: readonly RegionMark[], now: Instant, denied: boolean): MarkMemory | null {
  const top = marks.toSorted((a, b) => b.epoch - a.epoch || rankOf(plan, a.region) - rankOf(plan, b.region))[0];
  if (top === undefined) return memory;
  if (memory === null) return { region: top.region, epoch: top.epoch, since: now, found: true };
  return top.epoch > memory.epoch || (denied && top.epoch === memory.epoch && top.region !== memory.region) ? { region: top.region, epoch: top.epoch, since: now, found: false } : memory;
}

function notOurs(plan: RegionPlan, entries: readonly EntrySeen[]): string | null {
  for (const { name, leadsTo, mark, foreign, steered } of entries) {
    if (steered === "unchecked") return `${name} is decided by the provider itself and by no health check, so it goes on leading to a region that is gone`;
    if (steered === "checked") return `the provider's own health checks decide ${name}, and not the others: one of the two has to decide all of them`;
    if (foreign !== null) return `${name} bears somebody's words: ${foreign.slice(0, 100)}`;
    if (mark === null) return `${name} bears no mark of this site`;
    if (mark.site !== plan.site) return `${name} is marked as site ${mark.site}'s`;
    if (rankOf(plan, mark.region) === -1) return `${name} is marked for ${mark.region}, which is no region of this site`;
    if (leadsTo !== mark.region) return `${name} is marked for ${mark.region} and leads to ${leadsTo ?? "no region"}: somebody changed it by hand`;
  }
  return null;
}
