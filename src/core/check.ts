/**
 * A check as the engine knows it: what was configured, with defaults filled in.
 */
import type { Ms } from "./time.ts";
import type { TargetId } from "./target.ts";

/** Cadence of one check, after HAProxy's inter / fastinter / downinter. */
export type Cadence = {
  /** While steady. */
  readonly interval: Ms;
  /** While a run against the verdict is under way; default 2 s, never slower than `interval`. */
  readonly fast: Ms;
  /** While unhealthy; default 5 s, never slower than `interval`. */
  readonly down: Ms;
  readonly timeout: Ms;
};

/** Consecutive observations that turn a verdict; each at least 1. */
export type Thresholds = { readonly fall: number; readonly rise: number };

export type CheckSpec = {
  readonly name: string;
  /** What it looks at: each of these targets on its own, or `[SITE]`. */
  readonly targets: readonly TargetId[];
  readonly cadence: Cadence;
  readonly thresholds: Thresholds;
  /** Unhealthy makes the site unhealthy; else only degraded. */
  readonly critical: boolean;
  /** Names of checks whose being unhealthy explains this one's failing. */
  readonly dependsOn: readonly string[];
  /** Why nothing is looked at (its dependency is not configured); null when active. Shown, not aggregated, not alerted. */
  readonly inactive: string | null;
  /** Beyond the own host: turned into `unknown` while the connectivity guard says that the network is gone. */
  readonly remote: boolean;
  /**
   * Where pods have sidecars. `relay`: the verdict of the sidecar beside the pod's application, which looks in its own
   * time. `sidecar`: whether the sidecar answers at all. Absent: looked at from here.
   */
  readonly by?: "relay" | "sidecar";
};
