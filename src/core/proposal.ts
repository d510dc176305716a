/**
 * What a policy would do, as a plain value that can be printed, held back or refused.
 */
import type { TargetId } from "./target.ts";
import type { Instant, Ms } from "./time.ts";

/**
 * What a remedy needs to be true at the moment it acts; checked again by the fence.
 * `process`: this very process (pid and kernel start time) still runs, or none does.
 * `pod`: the name is still this very pod's. `size`: the autoscaler's minReplicas, or the deployment's
 * replicas, are still this. `generation`: nobody has changed what is wanted of the deployment.
 */
export type Precondition =
  | { readonly kind: "none" }
  | { readonly kind: "process"; readonly pid: number; readonly startTime: string }
  | { readonly kind: "no_process" }
  | { readonly kind: "pod"; readonly name: string; readonly uid: string }
  | { readonly kind: "size"; readonly of: "autoscaler" | "deployment"; readonly name: string; readonly size: number }
  | { readonly kind: "generation"; readonly deployment: string; readonly generation: number };

/** What the remedy itself found against acting now, when it read the world; the guard of that name holds on it. */
export type Wait = {
  /** `unseen`: nobody looked at the world for it. `disruption`: the workload cannot spare a pod now. `autoscaler`: one is at work. `unavailable`: as things stand it cannot be done. */
  readonly guard: "unseen" | "disruption" | "autoscaler" | "unavailable";
  readonly reason: string;
  readonly until: Instant | null;
};

export type Proposal = {
  readonly policy: string;
  /** The policy's action as written in its file, for people: "restart_pod". */
  readonly action: string;
  /** The remedy that carries it out for this kind of target: "restart_process". */
  readonly remedy: string;
  readonly target: TargetId;
  readonly workload: string;
  /** What it answers to, stable over one incident: the check's name, or the trigger's text. Cool-downs and ladders count by it. */
  readonly cause: string;
  /** Every check whose verdict or window made the trigger fire. */
  readonly evidence: readonly string[];
  /** Since when the trigger has been true. */
  readonly since: Instant;
  /** Why, in one sentence for the ledger. */
  readonly why: string;
  /** Takes something working away (a restart of a living process); starting an exited process is not destructive. */
  readonly destructive: boolean;
  /** The target is known to be gone, so it holds no copies and cannot be harmed. */
  readonly gone: boolean;
  readonly precondition: Precondition;
  readonly params: Readonly<Record<string, unknown>>;
  /** Never of an action that was recorded: it would have been held. */
  readonly wait?: Wait;
};

export type Mode = "act" | "observe";

/** Every guard by name. Closed, so that metrics can label by it. */
export const GUARD_NAMES = [
  "mode",
  "settling",
  "pause",
  "window",
  "suppressed",
  "flapping",
  "in_flight",
  "uncertain",
  "grace",
  "kubelet",
  "cooldown",
  "backoff",
  "ladder",
  "crash_loop",
  "throttle",
  "blame",
  "storm",
  "evidence",
  "last_copy",
  "blast_radius",
  "unseen",
  "disruption",
  "autoscaler",
  "budget",
  "unavailable",
] as const;

export type GuardName = (typeof GUARD_NAMES)[number];

export type Verdict =
  | { readonly kind: "allow" }
  | {
      readonly kind: "hold";
      readonly guard: GuardName;
      readonly reason: string;
      /** When to ask again; null when only an event or a person can lift it. */
      readonly until: Instant | null;
    };

/** What was decided on one proposal. `hold` with guard `mode` is observe mode: it would have acted. */
export type Decision =
  | { readonly kind: "act"; readonly proposal: Proposal; readonly attempt: number; readonly verifyWithin: Ms }
  | { readonly kind: "hold"; readonly proposal: Proposal; readonly guard: GuardName; readonly reason: string; readonly until: Instant | null }
  | {
      readonly kind: "escalate";
      readonly proposal: Proposal;
      /** The guard that calls a person, once per episode. */
      readonly guard: GuardName;
      /** Alert route: "on_call". */
      readonly alert: string;
      readonly reason: string;
    };
