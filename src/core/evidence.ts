/**
 * What others saw of the application, without asking it anything: the gateway before it, and the kubelet beside it.
 */
import type { Instant, Ms } from "./time.ts";

/** Passive evidence of one target. Only rendered pages count as good answers, not assets or robots.txt. */
export type Evidence = {
  /** Last whole rendered page with a 2xx from the application; null before the first. */
  readonly lastGoodAt: Instant | null;
  /** Last failure (connect error, deadline, 500/502/503/504, truncated body); null before the first. */
  readonly lastFailedAt: Instant | null;
  /** Completed calls of the last 10 s. */
  readonly succeeded: number;
  readonly failed: number;
  /** Requests the application holds now, and since when the oldest of them. */
  readonly inFlight: number;
  readonly oldestInFlightMs: Ms;
  /** Copies the gateway could serve in an outage right now. */
  readonly copies: number;
  /** When the kubelet was seen to restart the application of a pod, oldest first; absent: it has no kubelet. */
  readonly restartedAt?: readonly Instant[];
};
