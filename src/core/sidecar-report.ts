/**
 * What a sidecar's `/health` says to who brings the peer token, read back.
 *
 * The writing side is server/health-body.ts. Sidecars of several versions stand side by side during a
 * rollout, so the reader ignores what it does not know, reads a word it does not know as `unknown` or
 * null, and refuses only what it cannot stand on.
 */
import type { BreakerPosition } from "./breaker.ts";
import { CHECK_VERDICTS, type CheckVerdict } from "./check-state.ts";
import type { Level } from "./observation.ts";
import { shortened } from "./shortened.ts";
import type { SiteStatus } from "./status.ts";
import type { TargetId } from "./target.ts";
import type { Instant, Ms } from "./time.ts";

/** One check at one target of the sidecar's. Instants are by the sidecar's clock. */
export type ReportedLook = {
  readonly check: string;
  readonly target: TargetId;
  readonly verdict: CheckVerdict;
  /** Why it is not looked at; null when it is. */
  readonly inactive: string | null;
  /** Observations of one level in a row; null before the first evidence. */
  readonly run: { readonly level: "pass" | "warn" | "fail"; readonly count: number; readonly since: Instant } | null;
  /** What the newest observation was; null before the first. It tells a `throttled` failure from a `throttled` unknown. */
  readonly seen: Level | null;
  /** Why the newest observation was no pass ("refused", "timeout", "no_network" …); null when it was. */
  readonly cause: string | null;
  /** The same in the look's own words; "" when it was a pass. */
  readonly detail: string;
  /** When the newest observation was made; null before the first. */
  readonly at: Instant | null;
  /** Numbers the newest observation measured, by name: cpu_usage 71 (percent), response_time 112 (ms). */
  readonly facts: Readonly<Record<string, number>>;
};

export type ReportedBreaker = { readonly name: string; readonly state: BreakerPosition; readonly since: Instant };

export type SidecarReport = {
  readonly status: SiteStatus;
  /** It would answer `/health/ready` with 200. */
  readonly ready: boolean;
  /** Pages it could serve in an outage. */
  readonly copies: number;
  /** How long before it answered its gateway last saw a whole rendered page of the application; null: never, or it does not tell. */
  readonly lastGoodMsAgo: Ms | null;
  readonly version: string;
  readonly looks: readonly ReportedLook[];
  readonly breakers: readonly ReportedBreaker[];
};

/**
 * Why a report was refused. `not_json_object`: not even that. `no_details`: status words only, as for a
 * wrong or missing peer token, or from a sidecar too old to say more. `malformed`: a part of the wrong
 * shape. `too_large`: more of something than a sidecar has.
 */
export type ReportRefusalCode = "not_json_object" | "no_details" | "malformed" | "too_large";

export type ReportReading =
  | { readonly kind: "report"; readonly report: SidecarReport }
  | { readonly kind: "refused"; readonly code: ReportRefusalCode; readonly why: string };

/** Bounds of what is read; a sidecar watches one pod, with some tens of checks. */
const MOST_CHECKS = 256;
const MOST_LOOKS = 512;
const MOST_FACTS = 32;
const MOST_BREAKERS = 16;
const MOST_NAME = 128;
const MOST_TEXT = 500;

/** Reads parsed JSON. Never throws. */
export function parseSidecarReport(json: unknown): ReportReading {
  if (!isRecord(json)) return refused("not_json_object", "the answer is no JSON object");
  const { ready, copies, lastGoodMsAgo, version, checks, breakers } = json;
  if (ready === undefined || checks === undefined) return refused("no_details", "only status words were told: another peer token, or an older sidecar");
  if (typeof ready !== "boolean") return refused("malformed", "ready is neither true nor false");
  if (!isCount(copies)) return refused("malformed", "copies is no count");
  if (!isRecord(checks)) return refused("malformed", "checks is no object");
  if (breakers !== undefined && !Array.isArray(breakers)) return refused("malformed", "breakers is no list");
  const names = Object.keys(checks);
  if (names.length > MOST_CHECKS) return refused("too_large", `more than ${MOST_CHECKS} checks`);
  const looks = looksIn(checks, names);
  if (looks === null) return refused("too_large", `more than ${MOST_LOOKS} looks`);
  return {
    kind: "report",
    report: {
      status: verdictOf(json["verdict"]),
      ready,
      copies,
      lastGoodMsAgo: isCount(lastGoodMsAgo) ? lastGoodMsAgo : null,
      version: typeof version === "string" ? shortened(version, MOST_NAME) : "",
      looks,
      breakers: (breakers ?? []).slice(0, MOST_BREAKERS).flatMap(breakerIn),
    },
  };
}

function refused(code: ReportRefusalCode, why: string): ReportReading {
  return { kind: "refused", code, why };
}

/** null: more than are read. */
function looksIn(checks: Readonly<Record<string, unknown>>, names: readonly string[]): readonly ReportedLook[] | null {
  const looks: ReportedLook[] = [];
  for (const check of names) {
    const entries: unknown = checks[check];
    // "cpu:utilization" and its like are measures, told once more for readers of the draft; no check has such a name.
    if (!Array.isArray(entries) || check.includes(":") || check.length > MOST_NAME) continue;
    if (looks.length + entries.length > MOST_LOOKS) return null;
    looks.push(...entries.flatMap((entry: unknown) => lookIn(check, entry)));
  }
  return looks;
}

function lookIn(check: string, entry: unknown): readonly ReportedLook[] {
  if (!isRecord(entry)) return [];
  const { componentId, inactive, cause, output, at, seen } = entry;
  if (typeof componentId !== "string" || componentId === "" || componentId.length > MOST_NAME) return [];
  const idle = typeof inactive === "string" ? shortened(inactive, MOST_TEXT) : null;
  return [
    {
      check,
      target: componentId,
      verdict: verdictOf(entry["verdict"]),
      inactive: idle,
      run: runIn(entry["run"]),
      seen: LEVELS.find((level) => level === seen) ?? null,
      cause: typeof cause === "string" ? shortened(cause, MOST_NAME) : null,
      detail: typeof output === "string" && idle === null ? shortened(output, MOST_TEXT) : "",
      at: isInstant(at) ? at : null,
      facts: factsIn(entry["facts"]),
    },
  ];
}

const LEVELS: readonly Level[] = ["pass", "warn", "fail", "unknown"];
const POSITIONS: readonly BreakerPosition[] = ["closed", "open", "half_open"];

/** A word of a later version is not known here, so it is evidence of nothing. */
function verdictOf(word: unknown): CheckVerdict & SiteStatus {
  return CHECK_VERDICTS.find((one) => one === word) ?? "unknown";
}

function runIn(value: unknown): ReportedLook["run"] {
  if (!isRecord(value)) return null;
  const { level, count, since } = value;
  if ((level !== "pass" && level !== "warn" && level !== "fail") || !isCount(count) || !isInstant(since)) return null;
  return { level, count, since };
}

function factsIn(value: unknown): Readonly<Record<string, number>> {
  if (!isRecord(value)) return {};
  const numbers = Object.entries(value).filter((entry): entry is [string, number] => typeof entry[1] === "number" && Number.isFinite(entry[1]) && entry[0].length <= MOST_NAME);
  return Object.fromEntries(numbers.slice(0, MOST_FACTS));
}

function breakerIn(value: unknown): readonly ReportedBreaker[] {
  if (!isRecord(value)) return [];
  const { name, since } = value;
  const state = POSITIONS.find((one) => one === value["state"]);
  return typeof name === "string" && name.length <= MOST_NAME && state !== undefined && isInstant(since) ? [{ name, state, since }] : [];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isInstant(value: unknown): value is Instant {
  return typeof value === "number" && Number.isFinite(value);
}
