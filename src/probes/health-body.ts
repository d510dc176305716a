/**
 * What a health route says about itself: `application/health+json`
 * (draft-inadarei-api-health-check-06), or plain JSON with `memory_usage` and `cpu_usage`.
 */
import type { Finding } from "../core/observation.ts";

export type HealthReport = {
  /** Percent of its memory, 0 to 100; null: not reported. */
  readonly memoryPercent: number | null;
  readonly cpuPercent: number | null;
  /** The `status` it gives itself, in the draft's words; null: none, or a word that is not the draft's. */
  readonly status: "pass" | "warn" | "fail" | null;
};

/** The draft's words and the ones it names as equal (section 3.1). */
const STATUS: Readonly<Record<string, "pass" | "warn" | "fail">> = {
  pass: "pass",
  ok: "pass",
  up: "pass",
  warn: "warn",
  fail: "fail",
  error: "fail",
  down: "fail",
};

/** Reads a parsed JSON body; anything unexpected is "not reported". Never throws. */
export function readHealthBody(body: unknown): HealthReport {
  if (!isRecord(body)) return { memoryPercent: null, cpuPercent: null, status: null };
  const checks = isRecord(body["checks"]) ? body["checks"] : {};
  const word = typeof body["status"] === "string" ? body["status"].toLowerCase() : "";
  return {
    memoryPercent: percentOf(body["memory_usage"]) ?? componentPercent(checks["memory:utilization"]),
    cpuPercent: percentOf(body["cpu_usage"]) ?? componentPercent(checks["cpu:utilization"]),
    status: Object.hasOwn(STATUS, word) ? (STATUS[word] ?? null) : null,
  };
}

/** The body's own verdict as a finding; null where it gives none. */
export function statusFinding(status: HealthReport["status"]): Finding | null {
  if (status === null) return null;
  return { assertion: "health_status", level: status, observed: status, expected: "pass", source: "body" };
}

/** 71, "71", "71%" or "71 %". */
function percentOf(value: unknown): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value !== "string") return null;
  const found = /^\s*(\d+(?:\.\d+)?)\s*%?\s*$/.exec(value);
  return found === null ? null : Number(found[1]);
}

/** The draft's `checks` hold arrays, one entry per node of a component; the fullest one counts. */
function componentPercent(component: unknown): number | null {
  const entries: readonly unknown[] = Array.isArray(component) ? component.slice(0, 100) : [component];
  let most: number | null = null;
  for (const entry of entries) {
    if (!isRecord(entry)) continue;
    const value = percentOf(entry["observedValue"]);
    const unit = entry["observedUnit"];
    if (value === null || (unit !== undefined && unit !== "percent" && unit !== "%")) continue;
    most = most === null ? value : Math.max(most, value);
  }
  return most;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @returns the value, or undefined where the text is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
