/**
 * Everything a trigger or a guard may read, as one plain value.
 *
 * The engine takes such a picture, core judges it, and the picture can be printed
 * and replayed: a guard that needs more than stands here does not exist.
 */
import type { BreakerView } from "./breaker.ts";
import type { CheckSpec } from "./check.ts";
import type { CheckState } from "./check-state.ts";
import type { Episode, PastAction } from "./episode.ts";
import type { Evidence } from "./evidence.ts";
import type { LookSample } from "./look-window.ts";
import type { LookKey, Target, TargetId } from "./target.ts";
import type { Instant, Ms } from "./time.ts";

/** Figures of the guards; the defaults are the design's. */
export type GuardSettings = {
  /** No good page through the gateway for this long before a restart; 10 s. */
  readonly evidence: Ms;
  /** The kubelet's liveness probe has this long to restart a pod that refuses or is silent, before we replace it; 60 s. */
  readonly kubelet: Ms;
  /** Share of a workload in recovery at once; 0.2, and always at least one target. */
  readonly blastRadius: number;
  /** Shared cause: of at least this many targets at least this share fails the same check; 4 and 0.5. */
  readonly stormTargets: number;
  readonly stormShare: number;
  /** Calm needed to leave a storm; 120 s. */
  readonly stormCalm: Ms;
  /** While a dependency throttles our looks a restart is held; a person is called after this long; 10 min. */
  readonly throttled: Ms;
  /** A relapse within this time belongs to the same episode; 1 h. */
  readonly relapse: Ms;
  /** Back-off of starts of an exited process: 1 s doubling to 60 s. */
  readonly backoffFrom: Ms;
  readonly backoffTo: Ms;
  /** Unknowns in a row that alert as "cannot see"; 4. */
  readonly cannotSeeAfter: number;
};

export const DEFAULT_GUARD_SETTINGS: GuardSettings = {
  evidence: 10_000,
  kubelet: 60_000,
  blastRadius: 0.2,
  stormTargets: 4,
  stormShare: 0.5,
  stormCalm: 120_000,
  throttled: 600_000,
  relapse: 3_600_000,
  backoffFrom: 1_000,
  backoffTo: 60_000,
  cannotSeeAfter: 4,
};

/** A person's order to keep hands off, with an end and a reason. */
export type Pause = {
  readonly scope: { readonly kind: "all" } | { readonly kind: "policy"; readonly policy: string } | { readonly kind: "target"; readonly target: TargetId };
  /** null: until resumed. */
  readonly until: Instant | null;
  readonly by: string;
  readonly why: string;
};

/** A person has seen it. Lifts the cool-down and re-arms the ladder of that workload; keeps calls that are about that look from being made. */
export type Acknowledgement = {
  readonly workload: string;
  readonly target: TargetId;
  /** null: every check of the target. */
  readonly check: string | null;
  readonly at: Instant;
  readonly by: string;
};

/** An action that is recorded and not yet resolved: intended, or awaiting verification. */
export type OpenAction = {
  readonly target: TargetId;
  readonly workload: string;
  readonly cause: string;
  readonly at: Instant;
  /** When it was carried out; null while nobody knows. */
  readonly doneAt: Instant | null;
  /** By when it is resolved one way or another. */
  readonly until: Instant;
};

/** Many targets of a workload fail the same check: shared cause, until it was calm long enough. */
export type Storm = {
  readonly workload: string;
  readonly check: string;
  readonly since: Instant;
  /** When the share of failing targets was last at or above the bound. */
  readonly lastSeenAt: Instant;
};

export type RegionHealth = { readonly health: "healthy" | "unhealthy" | "unknown"; readonly since: Instant };

export type Scene = {
  readonly now: Instant;
  /** The same moment on the wall clock, for windows and calendars. */
  readonly wall: number;
  /** Nothing is done of our own accord before; a leader that is new looks first. */
  readonly actFrom: Instant;
  /** IANA zone of the site. */
  readonly timeZone: string;
  readonly settings: GuardSettings;
  readonly actionsPerMinute: number;
  readonly targets: readonly Target[];
  /** Restarts are not counted against a target for this long after a start; absent: 0. */
  readonly startupGrace: ReadonlyMap<TargetId, Ms>;
  /** Last known start of each target; absent: unknown, so no grace. */
  readonly startedAt: ReadonlyMap<TargetId, Instant>;
  readonly specs: readonly CheckSpec[];
  readonly checks: ReadonlyMap<LookKey, CheckState>;
  /** Looks in flapping, which freezes actions. */
  readonly flapping: ReadonlySet<LookKey>;
  /** Recent looks, oldest first; only of checks that a trigger asks about over time. */
  readonly looks: ReadonlyMap<LookKey, readonly LookSample[]>;
  readonly regions: ReadonlyMap<string, RegionHealth>;
  /** What the gateway saw, where one stands before the target. */
  readonly evidence: ReadonlyMap<TargetId, Evidence>;
  readonly breakers: readonly BreakerView[];
  readonly pauses: readonly Pause[];
  readonly acknowledgements: readonly Acknowledgement[];
  /** By `episodeKey(workload, cause)`. */
  readonly episodes: ReadonlyMap<string, Episode>;
  /** Recorded actions of all policies, oldest first; at least those of the relapse time. */
  readonly actions: readonly PastAction[];
  readonly openActions: readonly OpenAction[];
  readonly storms: readonly Storm[];
};

/** The configured check of that name; undefined when there is none. */
export function specOf(scene: Pick<Scene, "specs">, check: string): CheckSpec | undefined {
  return scene.specs.find((spec) => spec.name === check);
}
