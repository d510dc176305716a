/**
 * Making the provider's entries lead to this region, each compared with what was read: all of them at once, since
 * buyers wait for the last.
 */
import type { RegionMark } from "../../core/region/mark.ts";
import type { TryFailure } from "../../core/region/tries.ts";
import type { Clock } from "../../ports/clock.ts";
import { TRAFFIC_DEADLINE_MS, TrafficError, type SwitchOutcome, type Traffic, type TrafficEntry, type TrafficErrorCode } from "../../ports/traffic.ts";
import { orElse } from "./in-time.ts";

/** A provider that overruns its own deadline is not waited for. */
export const SWITCH_DEADLINE_MS = TRAFFIC_DEADLINE_MS + 200;

export type EntryOutcome = SwitchOutcome | { readonly kind: "failed"; readonly code: TrafficErrorCode; readonly why: string; readonly retryAfterMs: number };

export type Switched = {
  /** Each entry ordered, with what became of it. */
  readonly outcomes: readonly { readonly entry: TrafficEntry; readonly outcome: EntryOutcome }[];
  /** A write was accepted at least once: our mark has stood, or stands. */
  readonly accepted: boolean;
  /** A write may have landed: read before anything else. */
  readonly uncertain: string | null;
  /** Why the provider must be left alone for a while; null: nothing failed. */
  readonly failure: TryFailure | null;
};

/** Entries that bear the mark already are left alone. Never rejects. */
export async function switchEntries(traffic: Traffic, clock: Clock, entries: readonly TrafficEntry[], mark: RegionMark, signal: AbortSignal): Promise<Switched> {
  const wrong = entries.filter((entry) => entry.leadsTo !== mark.region || entry.mark?.region !== mark.region || entry.mark.epoch !== mark.epoch);
  const outcomes = await Promise.all(wrong.map(async (entry) => ({ entry, outcome: await switchOne(traffic, clock, entry, mark, signal) })));
  const failed = outcomes.flatMap(({ outcome }) => (outcome.kind === "failed" ? [outcome] : []));
  return {
    outcomes,
    accepted: outcomes.some(({ outcome }) => outcome.kind === "switched" || outcome.kind === "overwritten"),
    uncertain: failed.find((one) => one.code === "UNCERTAIN")?.why ?? null,
    failure: failureOf(failed),
  };
}

/** What an error of the provider means for the next try. */
export function failureOf(errors: readonly { readonly code: TrafficErrorCode; readonly why: string; readonly retryAfterMs: number }[]): TryFailure | null {
  if (errors.length === 0) return null;
  return {
    final: errors.some((one) => isFinal(one.code)),
    retryAfterMs: Math.max(...errors.map((one) => one.retryAfterMs)),
    why: [...new Set(errors.map((one) => one.why))].join("; ").slice(0, 300),
  };
}

/** An error that is no TrafficError says nothing of what was written. */
export function errorOf(error: unknown, otherwise: TrafficErrorCode): { readonly code: TrafficErrorCode; readonly why: string; readonly retryAfterMs: number } {
  if (error instanceof TrafficError) return { code: error.code, why: error.message, retryAfterMs: error.retryAfterMs };
  return { code: otherwise, why: error instanceof Error ? error.message : String(error), retryAfterMs: 0 };
}

async function switchOne(traffic: Traffic, clock: Clock, entry: TrafficEntry, mark: RegionMark, signal: AbortSignal): Promise<EntryOutcome> {
  return orElse<EntryOutcome>(clock, SWITCH_DEADLINE_MS, signal, (own) => traffic.switch({ entry, to: mark.region, mark }, own), (error) => ({ kind: "failed", ...errorOf(error, "UNCERTAIN") }));
}

function isFinal(code: TrafficErrorCode): boolean {
  switch (code) {
    case "UNAUTHORIZED":
    case "NOT_FOUND":
    case "NOT_OURS":
    case "INVALID":
      return true;
    case "RATE_LIMITED":
    case "UNAVAILABLE":
    case "UNCERTAIN":
      return false;
  }
}
