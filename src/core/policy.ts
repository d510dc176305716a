/**
 * A policy as the engine knows it: trigger parsed, defaults filled in.
 */
import type { Mode } from "./proposal.ts";
import type { Ms } from "./time.ts";

/** Parsed `trigger:` of a policy. Names were checked against the configuration when it was loaded. */
export type Trigger =
  /** `CHECK fails N consecutive times` */
  | { readonly kind: "fails"; readonly check: string; readonly times: number }
  /** `METRIC > X% for DURATION`; `metric` is a fact's name; `check` the check that reports it, or null for any. */
  | { readonly kind: "sustained"; readonly metric: string; readonly over: number; readonly forMs: Ms }
  /** `CHECK error rate > X%` over the last minute of looks, at least 3 of them. */
  | { readonly kind: "error_rate"; readonly check: string; readonly overPercent: number }
  /** `region NAME is unhealthy` */
  | { readonly kind: "region"; readonly region: string }
  /** `CRON "…"`: five fields, the site's time zone. */
  | { readonly kind: "cron"; readonly expression: string }
  | { readonly kind: "and"; readonly all: readonly Trigger[] }
  | { readonly kind: "or"; readonly any: readonly Trigger[] };

export type Escalation = {
  /** Failed attempts of one episode that end the ladder. */
  readonly afterFailed: number;
  readonly within: Ms;
  /** Alert route to page: "on_call". */
  readonly alert: string;
};

/** When destructive actions may not run: a maintenance window, or a blackout. */
export type Window = {
  readonly name: string;
  /** Weekdays 0 (Sunday) to 6; empty: every day. */
  readonly days: readonly number[];
  /** Minutes since local midnight; `to` ≤ `from` runs over midnight. */
  readonly fromMinute: number;
  readonly toMinute: number;
  /** IANA zone. */
  readonly timeZone: string;
};

export type PolicySpec = {
  readonly name: string;
  readonly trigger: Trigger;
  /** The trigger as written, for people and for the ledger. */
  readonly triggerText: string;
  /** As written: "restart_pod". */
  readonly action: string;
  /** As configured; `act` from the file or by `promote`. Destructive policies default to `observe`. */
  readonly mode: Mode;
  /** `mode` stands in the policy's own file, so it is somebody's wish and not our caution. Absent: defaulted. */
  readonly modeGiven?: boolean;
  /** The remedy is not in this version or needs what is not configured: it runs in observe mode and the ledger says why. Null when available. */
  readonly unavailable: string | null;
  readonly cooldown: Ms;
  readonly escalation: Escalation | null;
  /** Time the target has to turn healthy after the action. */
  readonly verifyWithin: Ms;
  readonly params: Readonly<Record<string, unknown>>;
  readonly windows: readonly Window[];
};
