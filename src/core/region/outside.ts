/**
 * What one observer sees of a region from outside, through its own public origin.
 *
 * A run of failed looks makes it down, a run of answered ones up again. A look that could not be made, because no
 * reference host answers from here either, is evidence of nothing: it extends no run and ends none, and while it is the
 * newest, this observer says `unknown`. So does one whose evidence has grown old, or that saw a region which was down
 * answer just now.
 *
 * Copies are an answer: buyers are served. Only where nothing but copies came for a minute does nobody sell there.
 */
import type { Instant, Ms } from "../time.ts";
import type { RegionRules } from "./region.ts";

export type OutsideSight =
  /**
   * `application`: it rendered this answer. `copy`: a stored one was served in its place, because it is unwell.
   * `fresh`: a stored one that was still good, by a gateway that would ask the application: it does not take it for unwell.
   */
  | { readonly kind: "answered"; readonly by: "application" | "copy" | "fresh" }
  | { readonly kind: "failed"; readonly detail: string }
  /** Could not look. */
  | { readonly kind: "unknown"; readonly detail: string };

export type OutsideVerdict = "up" | "down" | "copies-only" | "unknown";

export type OutsideView = {
  readonly verdict: "up" | "down" | "unknown";
  /** When this verdict began: the first look of the run that turned it. */
  readonly since: Instant;
  readonly failing: number;
  readonly answering: number;
  /** When the run began that counts now. */
  readonly runSince: Instant;
  /** The first of the copies since the application rendered anything; null: it rendered the last answer that tells. */
  readonly copiesSince: Instant | null;
  /** The last look that was evidence; null before the first. */
  readonly evidenceAt: Instant | null;
  /** The newest look could not be made. */
  readonly blind: boolean;
  /** Of the newest look, for people; "" where it was answered. */
  readonly detail: string;
};

export function initialOutside(at: Instant): OutsideView {
  return { verdict: "unknown", since: at, failing: 0, answering: 0, runSince: at, copiesSince: null, evidenceAt: null, blind: false, detail: "" };
}

/** Folds one look in. Thresholds count looks. Never throws. */
export function seeOutside(view: OutsideView, sight: OutsideSight, at: Instant, { fall, rise }: RegionRules): OutsideView {
  if (sight.kind === "unknown") return { ...view, blind: true, detail: sight.detail };
  const seen = { evidenceAt: at, blind: false };
  if (sight.kind === "failed") {
    const failing = view.failing + 1;
    const runSince = view.failing === 0 ? at : view.runSince;
    const turned = view.verdict !== "down" && failing >= fall ? ({ verdict: "down", since: runSince } as const) : {};
    return { ...view, ...seen, ...turned, failing, answering: 0, runSince, detail: sight.detail };
  }
  const answering = view.answering + 1;
  const runSince = view.answering === 0 ? at : view.runSince;
  const enough = view.verdict === "unknown" || (view.verdict === "down" && answering >= rise);
  const turned = enough ? ({ verdict: "up", since: runSince } as const) : {};
  return { ...view, ...seen, ...turned, failing: 0, answering, runSince, copiesSince: copiesAfter(view, sight.by, at), detail: "" };
}

/** What this observer says of the region now. */
export function verdictOf(view: OutsideView, now: Instant, rules: RegionRules): OutsideVerdict {
  if (view.blind || view.evidenceAt === null || now - view.evidenceAt > staleAfter(rules)) return "unknown";
  if (isRecovering(view)) return "unknown";
  if (view.verdict !== "up") return view.verdict;
  return copiesFor(view, now) >= rules.copiesFor ? "copies-only" : "up";
}

/** Since when it has been as `verdictOf` says. */
export function verdictSince(view: OutsideView): Instant {
  return view.verdict === "down" ? view.since : (view.copiesSince ?? view.since);
}

/** It was down, and its newest look was answered: nobody is led away from it at that very moment. */
export function isRecovering(view: OutsideView): boolean {
  return view.verdict === "down" && view.answering > 0;
}

/** For how long nothing but copies has come from a region that answers; 0: its application renders. */
export function copiesFor(view: OutsideView, now: Instant): Ms {
  return view.copiesSince === null || view.verdict === "down" ? 0 : now - view.copiesSince;
}

/** Something speaks against it already, though it may not be enough: an incident may have begun. */
export function isTroubled(view: OutsideView): boolean {
  return view.failing > 0 || view.verdict === "down" || view.copiesSince !== null;
}

/** When the trouble began that is seen now. */
export function troubleSince(view: OutsideView): Instant {
  if (view.verdict === "down") return view.since;
  if (view.copiesSince !== null) return view.copiesSince;
  return view.runSince;
}

/** Evidence older than this is none: three looks were missed. */
function staleAfter({ lookEvery, lookDeadline }: RegionRules): Ms {
  return 3 * lookEvery + lookDeadline;
}

function copiesAfter(view: OutsideView, by: "application" | "copy" | "fresh", at: Instant): Instant | null {
  switch (by) {
    // While its gateway would ask the application, a page that is fresh for minutes must not count as a minute of copies.
    case "application":
    case "fresh":
      return null;
    case "copy":
      return view.copiesSince ?? at;
  }
}
