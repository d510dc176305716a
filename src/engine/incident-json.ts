/** An open incident as it is stored, and its reading back: what is stored may be of an older version, or damaged. */
import type { AlertSeverity } from "../core/alert.ts";
import type { TargetId } from "../core/target.ts";
import type { Instant } from "../core/time.ts";
import { parseObject } from "./stored-json.ts";

export type IncidentReason = "check_unhealthy" | "check_flapping" | "cannot_see" | "no_network";

export type Incident = {
  readonly reason: IncidentReason;
  readonly check: string;
  readonly target: TargetId;
  readonly startedAt: Instant;
  readonly severity: AlertSeverity;
  readonly summary: string;
  /** Severities under which it was told, and under which its end is told too. */
  readonly told: readonly AlertSeverity[];
};

const REASONS: readonly string[] = ["check_unhealthy", "check_flapping", "cannot_see", "no_network"];

/** null for what cannot be understood. */
export function parseIncident(text: string): Incident | null {
  const value = parseObject(text);
  if (value === null) return null;
  const { reason, check, target, startedAt, severity, summary, told } = value;
  if (!isReason(reason) || !isSeverity(severity) || typeof startedAt !== "number") return null;
  if (typeof check !== "string" || typeof target !== "string" || typeof summary !== "string") return null;
  if (!Array.isArray(told) || !told.every(isSeverity)) return null;
  return { reason, check, target, startedAt, severity, summary, told };
}

function isReason(value: unknown): value is IncidentReason {
  return typeof value === "string" && REASONS.includes(value);
}

function isSeverity(value: unknown): value is AlertSeverity {
  return value === "page" || value === "notify" || value === "info";
}
