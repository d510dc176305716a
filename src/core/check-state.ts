/**
 * Hysteresis for one look: a stream of observations folds into a steady verdict.
 *
 * One bad look is noise; a run of them is news. Runs are counted at two bounds, as
 * HAProxy counts rise and fall: `failing` and `notPassing` make a verdict worse once
 * they are `fall` long, `passing` and `notFailing` make it better once they are
 * `rise` long. So "wxwxwx" becomes degraded (never passing) but not unhealthy
 * (never failing three times in a row).
 *
 * An unknown observation is evidence of nothing: it neither extends a run nor
 * breaks it. The process's own exit is certain: it turns the verdict at once.
 * Before the first evidence the verdict is `unknown`; the first pass makes it
 * healthy at once, because nothing speaks against it, while the first failures
 * still need their whole run.
 */
import type { Thresholds } from "./check.ts";
import type { Observation } from "./observation.ts";
import { isGone } from "./observation.ts";
import type { Instant } from "./time.ts";

export type CheckVerdict = "unknown" | "healthy" | "degraded" | "unhealthy";

export const CHECK_VERDICTS: readonly CheckVerdict[] = ["healthy", "degraded", "unhealthy", "unknown"];

/** Consecutive observations of one sort, unknown ones left out. */
export type Run = {
  /** 0 when the last evidence was of another sort. */
  readonly count: number;
  /** When the first of them was made; meaningless while `count` is 0. */
  readonly since: Instant;
  /** One of them was certain (the process exited), so it stands for a whole run of any length. */
  readonly certain: boolean;
};

export type CheckState = {
  readonly verdict: CheckVerdict;
  /** When this verdict began: the first observation of the run that turned it; for the initial `unknown`, when watching began. */
  readonly since: Instant;
  /** Failures in a row; goes on counting after the verdict has turned. */
  readonly failing: Run;
  /** Warnings or failures in a row. */
  readonly notPassing: Run;
  readonly passing: Run;
  /** Passes or warnings in a row. */
  readonly notFailing: Run;
  /** Unknown observations in a row; any evidence ends them. */
  readonly unknowns: Run;
  /** The last observation of any kind. */
  readonly last: Observation | null;
  /** The last one that was evidence: not `unknown`. */
  readonly lastEvidence: Observation | null;
};

const NO_RUN: Run = { count: 0, since: 0, certain: false };

/** The state before the first look. */
export function initialState(at: Instant): CheckState {
  return {
    verdict: "unknown",
    since: at,
    failing: NO_RUN,
    notPassing: NO_RUN,
    passing: NO_RUN,
    notFailing: NO_RUN,
    unknowns: NO_RUN,
    last: null,
    lastEvidence: null,
  };
}

/**
 * Folds one observation into a state. Thresholds count observations, not milliseconds. Never throws.
 */
export function observe(state: CheckState, seen: Observation, thresholds: Thresholds): CheckState {
  if (seen.kind === "unknown") return { ...state, last: seen, unknowns: longer(state.unknowns, seen.at, false) };

  const certain = seen.kind === "fail" && seen.cause === "exited";
  const extend = (run: Run, holds: boolean): Run => (holds ? longer(run, seen.at, certain) : NO_RUN);
  const runs = {
    failing: wholeRun(extend(state.failing, seen.kind === "fail"), certain, thresholds.fall),
    notPassing: wholeRun(extend(state.notPassing, seen.kind !== "pass"), certain, thresholds.fall),
    passing: extend(state.passing, seen.kind === "pass"),
    notFailing: extend(state.notFailing, seen.kind !== "fail"),
  };
  const { verdict, since } = turn(state.verdict, runs, thresholds) ?? state;
  const { failing, notPassing, passing, notFailing } = runs;
  return { verdict, since, failing, notPassing, passing, notFailing, unknowns: NO_RUN, last: seen, lastEvidence: seen };
}

/**
 * Starts counting anew and keeps the verdict: after an action of our own, what was
 * counted before says nothing about the replacement.
 */
export function resetRuns(state: CheckState): CheckState {
  return { ...state, failing: NO_RUN, notPassing: NO_RUN, passing: NO_RUN, notFailing: NO_RUN, unknowns: NO_RUN };
}

/** A run against the verdict is under way, so the next look should come soon. */
export function inTransition(state: CheckState): boolean {
  switch (state.verdict) {
    case "unknown":
      return state.lastEvidence !== null;
    case "healthy":
      return state.notPassing.count > 0;
    case "degraded":
      return state.failing.count > 0 || state.passing.count > 0;
    case "unhealthy":
      return state.notFailing.count > 0;
  }
}

/** `times` failures in a row, or one that is certain. */
export function failsInARow(state: CheckState, times: number): boolean {
  return state.failing.count > 0 && (state.failing.certain || state.failing.count >= times);
}

/** The last evidence says that the process is gone (exited, or its port refused), not merely silent. */
export function isGoneNow(state: CheckState): boolean {
  return state.lastEvidence !== null && isGone(state.lastEvidence);
}

/** So many unknowns in a row that somebody should be told that we cannot see. */
export function cannotSee(state: CheckState, after: number): boolean {
  return state.unknowns.count >= after;
}

function longer(run: Run, at: Instant, certain: boolean): Run {
  return run.count === 0 ? { count: 1, since: at, certain } : { count: run.count + 1, since: run.since, certain: run.certain || certain };
}

function wholeRun(run: Run, certain: boolean, fall: number): Run {
  return certain && run.count < fall ? { ...run, count: fall } : run;
}

type Turn = { readonly verdict: CheckVerdict; readonly since: Instant };

function turn(verdict: CheckVerdict, runs: Pick<CheckState, "failing" | "notPassing" | "passing" | "notFailing">, { fall, rise }: Thresholds): Turn | undefined {
  const { failing, notPassing, passing, notFailing } = runs;
  if (verdict !== "unhealthy" && failing.count >= fall) return { verdict: "unhealthy", since: failing.since };
  if ((verdict === "healthy" || verdict === "unknown") && notPassing.count >= fall) return { verdict: "degraded", since: notPassing.since };
  if (verdict === "unknown" && passing.count > 0) return { verdict: "healthy", since: passing.since };
  if (verdict !== "healthy" && verdict !== "unknown" && passing.count >= rise) return { verdict: "healthy", since: passing.since };
  if (verdict === "unhealthy" && notFailing.count >= rise) return { verdict: "degraded", since: notFailing.since };
  return undefined;
}
