/**
 * What one look learned. Unknown is not down: when the look itself broke, it is
 * evidence of nothing.
 */
import type { Instant, Ms } from "./time.ts";

/** Why a look failed or warned. Closed, so that metrics can label by it. */
export type FailCause =
  | "refused"
  | "reset"
  | "timeout"
  | "resolve"
  | "tls"
  | "truncated"
  | "status"
  | "body"
  | "throttled"
  | "exited"
  | "assertion";

/** Why a look could not be made. Closed. */
export type UnknownCause =
  | "no_network"
  | "resolver"
  | "clock_jump"
  | "throttled"
  | "configuration"
  | "no_data"
  | "internal";

export type Level = "pass" | "warn" | "fail" | "unknown";

/** One assertion held against one measured value. */
export type Finding = {
  /** The key in the check's file: "http_status", "response_time". */
  readonly assertion: string;
  readonly level: Level;
  /** What was measured, as people read it: "503", "612ms", "71%". */
  readonly observed: string;
  /** What was expected, as written in the file: "< 500ms". */
  readonly expected: string;
  /** Where the value came from when there is more than one place: "body", "cgroup", "header". */
  readonly source?: string;
};

type Common = {
  readonly at: Instant;
  /** Start of the request to the end of the body, on a monotonic clock. */
  readonly tookMs: Ms;
  readonly findings: readonly Finding[];
  /** Measured numbers by name, for sustained triggers: cpu_usage 71 (percent), response_time 112 (ms). */
  readonly facts: Readonly<Record<string, number>>;
};

export type Observation =
  | (Common & { readonly kind: "pass" })
  | (Common & { readonly kind: "warn"; readonly cause: FailCause; readonly detail: string })
  | (Common & { readonly kind: "fail"; readonly cause: FailCause; readonly detail: string })
  | {
      readonly kind: "unknown";
      readonly at: Instant;
      readonly tookMs: Ms;
      readonly cause: UnknownCause;
      readonly detail: string;
      /** What was learned all the same, for people: the quota of a throttled look. Judged by nobody. */
      readonly findings?: readonly Finding[];
    };

/** The process is known to be gone, not merely silent: it exited, or the host refused the connection. */
export function isGone(seen: Observation): boolean {
  return seen.kind === "fail" && (seen.cause === "exited" || seen.cause === "refused");
}
