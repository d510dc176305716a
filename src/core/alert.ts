/**
 * An alert as a value: one stable key per incident, so that every receiver can deduplicate.
 */
import type { Instant } from "./time.ts";
import type { TargetId } from "./target.ts";

export type AlertSeverity = "page" | "notify" | "info";

export type Alert = {
  /** hash(site, check, incident start): the same for every message of one incident. */
  readonly key: string;
  readonly state: "firing" | "resolved";
  readonly severity: AlertSeverity;
  readonly site: string;
  readonly target: TargetId;
  /** Stable machine word: "check_unhealthy", "cannot_see", "restart_escalated", "action_uncertain". */
  readonly reason: string;
  readonly summary: string;
  readonly startedAt: Instant;
  readonly at: Instant;
  /** Link to the page of the operator's guide that tells what to do. */
  readonly runbook: string;
  readonly details: Readonly<Record<string, unknown>>;
};
