/**
 * How an escalation reads to the person who is called.
 */
import { alertKey } from "../core/alert-key.ts";
import type { Alert } from "../core/alert.ts";
import { podMark, type EpisodeMark } from "../core/episode.ts";
import type { Decision, GuardName } from "../core/proposal.ts";
import type { Instant } from "../core/time.ts";
import type { Call } from "./episode-json.ts";

type Context = { readonly site: string; readonly runbooks: string; readonly at: Instant };

/** By the guard that calls: the alert's reason, where its runbook stands, and what the policy does. */
const CALLS: Readonly<Partial<Record<GuardName, { readonly reason: string; readonly runbook: string; readonly does: string }>>> = {
  ladder: { reason: "restart_escalated", runbook: "restart-escalated", does: "gives up on" },
  crash_loop: { reason: "crash_loop", runbook: "crash-loop", does: "leaves alone a pod of" },
  throttle: { reason: "dependency_throttled", runbook: "dependency-throttled", does: "cannot decide about" },
};
const SHARED_CAUSE = { reason: "shared_cause", runbook: "shared-cause", does: "gives up on" };

/** Re-arming begins a new call within the same episode, so a call has a beginning of its own; and so has each pod that is called for. */
export function callOf(mark: EpisodeMark, { guard, alert: route, proposal: { target } }: Extract<Decision, { kind: "escalate" }>): Call {
  if (guard !== "crash_loop") return { guard, route, beganAt: mark.rearmedAt ?? mark.openedAt };
  return { guard, route, beganAt: podMark(mark, target).rearmedAt ?? mark.openedAt, target };
}

export function escalationAlert(decision: Extract<Decision, { kind: "escalate" }>, mark: EpisodeMark, context: Context): Alert {
  const { proposal, guard, reason } = decision;
  return {
    ...common(mark, callOf(mark, decision), context),
    state: "firing",
    target: proposal.target,
    summary: `${proposal.policy} ${(CALLS[guard] ?? SHARED_CAUSE).does} ${mark.workload}: ${reason}. ${proposal.why}`,
    details: { policy: proposal.policy, action: proposal.action, cause: mark.cause, workload: mark.workload, guard },
  };
}

/** The end of one call; a person who acted meanwhile has not ended it at its receiver. */
export function resolvedAlert(mark: EpisodeMark, ended: Call, context: Context): Alert {
  return {
    ...common(mark, ended, context),
    state: "resolved",
    target: ended.target ?? mark.workload,
    summary: `${mark.workload} has not failed (${mark.cause}) since ${new Date(mark.lastFiringAt).toISOString()}`,
    details: { cause: mark.cause, workload: mark.workload, guard: ended.guard },
  };
}

function common(mark: EpisodeMark, { guard, beganAt, target }: Call, { site, runbooks, at }: Context): Pick<Alert, "key" | "severity" | "site" | "reason" | "startedAt" | "at" | "runbook"> {
  const call = CALLS[guard] ?? SHARED_CAUSE;
  return {
    key: alertKey(site, `escalation:${guard}:${mark.workload}:${mark.cause}${target === undefined ? "" : `:${target}`}`, beganAt),
    severity: "page",
    site,
    reason: call.reason,
    startedAt: mark.openedAt,
    at,
    runbook: `${runbooks}/${call.runbook}.md`,
  };
}
