/**
 * The printable state: what the server, the command line and the status page show.
 * JSON-safe, a copy, never shared with the engine's own state.
 */
import type { BreakerView } from "./breaker.ts";
import type { CheckSpec } from "./check.ts";
import type { CheckState, CheckVerdict } from "./check-state.ts";
import type { FlapState } from "./flapping.ts";
import { flapPercent } from "./flapping.ts";
import type { GatewayView } from "./gateway-view.ts";
import type { Intent } from "./intent.ts";
import type { Observation } from "./observation.ts";
import type { GuardName, Mode } from "./proposal.ts";
import type { RegionsView } from "./region/view.ts";
import type { Acknowledgement, Pause } from "./scene.ts";
import type { LookStatus, SiteStatus, StatusCause } from "./status.ts";
import type { LookKey, Target, TargetId } from "./target.ts";
import type { Instant } from "./time.ts";

export type LookView = {
  readonly key: LookKey;
  readonly check: string;
  readonly target: TargetId;
  readonly verdict: CheckVerdict;
  readonly since: Instant;
  /** Observations of one level in a row, the newest evidence's level; null before the first. */
  readonly run: { readonly level: "pass" | "warn" | "fail"; readonly count: number; readonly since: Instant } | null;
  /** Unknown observations in a row. */
  readonly unknowns: number;
  readonly last: Observation | null;
  /** null while a look runs, or for an inactive check. */
  readonly nextLookAt: Instant | null;
  readonly critical: boolean;
  readonly suppressedBy: LookKey | null;
  readonly inactive: string | null;
  readonly flapping: { readonly flapping: boolean; readonly percent: number; readonly since: Instant | null };
};

/** What a person said of a look: no more alerts for it until it is healthy again or `until` is over; cool-down and ladder of its workload start anew. */
export type AcknowledgementView = Acknowledgement & {
  readonly why: string;
  readonly until: Instant | null;
};

export type EpisodeView = {
  readonly workload: string;
  readonly cause: string;
  readonly attempts: number;
  readonly failed: number;
  readonly startedAt: Instant;
  readonly lastAttemptAt: Instant | null;
  readonly escalatedAt: Instant | null;
};

export type PolicyView = {
  readonly name: string;
  readonly action: string;
  readonly trigger: string;
  /** What is in force, promotions included. */
  readonly mode: Mode;
  readonly unavailable: string | null;
  /** The last hold that has not been lifted; null when it would act or has nothing to do. */
  readonly lastHold: HoldView | null;
};

export type HoldView = {
  readonly policy: string;
  readonly target: TargetId;
  readonly guard: GuardName;
  readonly reason: string;
  readonly at: Instant;
  readonly until: Instant | null;
};

export type IntentView = {
  readonly id: string;
  readonly policy: string;
  readonly action: string;
  readonly remedy: string;
  readonly target: TargetId;
  readonly cause: string;
  readonly attempt: number;
  readonly who: string;
  readonly recordedAt: Instant;
  readonly phase: Intent["state"]["phase"];
  readonly verifyBy: Instant | null;
};

export type Snapshot = {
  readonly site: string;
  readonly at: Instant;
  readonly startedAt: Instant;
  readonly status: SiteStatus;
  readonly statusSince: Instant;
  readonly causes: readonly StatusCause[];
  /** Since when our own network has been missing; null while it is there. */
  readonly networkLostSince: Instant | null;
  readonly targets: readonly Target[];
  readonly looks: readonly LookView[];
  readonly breakers: readonly BreakerView[];
  /** null where none runs here. */
  readonly gateway: GatewayView | null;
  readonly openIntents: readonly IntentView[];
  readonly pauses: readonly Pause[];
  readonly acknowledgements: readonly AcknowledgementView[];
  readonly episodes: readonly EpisodeView[];
  readonly policies: readonly PolicyView[];
  /** Where buyers are led, as the server adds it; absent or null: the site has one region. */
  readonly regions?: RegionsView | null;
};

/** Why a target is as it is, and what happens next. */
export type WhyView = {
  readonly target: TargetId;
  readonly at: Instant;
  readonly status: SiteStatus;
  readonly looks: readonly LookView[];
  readonly holds: readonly HoldView[];
  readonly openIntents: readonly IntentView[];
  readonly pauses: readonly Pause[];
  readonly acknowledgements: readonly AcknowledgementView[];
  readonly episodes: readonly EpisodeView[];
  /** Sentences for people, in order: what is, why, what happens next and when. */
  readonly lines: readonly string[];
};

/** One look for people, from its status and its state. `state` and `flap` are null before the first look. */
export function lookView(status: LookStatus, state: CheckState | null, flap: FlapState | null, nextLookAt: Instant | null): LookView {
  return {
    key: status.key,
    check: status.check,
    target: status.target,
    verdict: status.verdict,
    since: status.since,
    run: state === null ? null : currentRun(state),
    unknowns: state?.unknowns.count ?? 0,
    last: state?.last ?? null,
    nextLookAt: status.inactive === null ? nextLookAt : null,
    critical: status.critical,
    suppressedBy: status.suppressedBy,
    inactive: status.inactive,
    flapping: { flapping: flap?.flapping ?? false, percent: flap === null ? 0 : Math.round(flapPercent(flap) * 10) / 10, since: flap?.since ?? null },
  };
}

/** An intent as it is shown: without parameters, which may be long or private. */
export function intentView(intent: Intent): IntentView {
  const { proposal, state } = intent;
  return {
    id: intent.id,
    policy: proposal.policy,
    action: proposal.action,
    remedy: proposal.remedy,
    target: proposal.target,
    cause: proposal.cause,
    attempt: intent.attempt,
    who: intent.who,
    recordedAt: intent.recordedAt,
    phase: state.phase,
    verifyBy: state.phase === "awaiting_verification" ? state.verifyBy : null,
  };
}

/** The newest evidence's level, and how long it has lasted. A run of warnings counts back to the last pass or failure. */
export function currentRun(state: CheckState): LookView["run"] {
  const level = state.lastEvidence?.kind;
  switch (level) {
    case undefined:
    case "unknown":
      return null;
    case "pass":
      return { level, count: state.passing.count, since: state.passing.since };
    case "fail":
      return { level, count: state.failing.count, since: state.failing.since };
    case "warn": {
      const run = state.notPassing.count <= state.notFailing.count ? state.notPassing : state.notFailing;
      return { level, count: run.count, since: run.since };
    }
  }
}

/** How many looks in a row still miss until the verdict turns, for people; null when no run against it is under way. */
export function looksToTurn(state: CheckState, check: CheckSpec): { readonly to: CheckVerdict; readonly missing: number } | null {
  const { fall, rise } = check.thresholds;
  if (state.verdict !== "unhealthy" && state.failing.count > 0) return { to: "unhealthy", missing: Math.max(0, fall - state.failing.count) };
  if ((state.verdict === "healthy" || state.verdict === "unknown") && state.notPassing.count > 0) return { to: "degraded", missing: Math.max(0, fall - state.notPassing.count) };
  if ((state.verdict === "degraded" || state.verdict === "unhealthy") && state.passing.count > 0) return { to: "healthy", missing: Math.max(0, rise - state.passing.count) };
  if (state.verdict === "unhealthy" && state.notFailing.count > 0) return { to: "degraded", missing: Math.max(0, rise - state.notFailing.count) };
  return null;
}
