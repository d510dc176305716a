/**
 * How an escalation reads to the person who is called.
 */
import { alertKey } from "../core/alert-key.ts";
import type { Alert } from "../core/alert.ts";
import type { EpisodeMark } from "../core/episode.ts";
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

/** Re-arming begins a new call within the same episode, so a call has a beginning of its own. */
export function callBegan(mark: EpisodeMark): Instant {
  return mark.rearmedAt ?? mark.openedAt;
}

export function escalationAlert({ proposal, guard, reason }: Extract<Decision, { kind: "escalate" }>, mark: EpisodeMark, context: Context): Alert {
  return {
    ...common(mark, guard, callBegan(mark), context),
    state: "firing",
    target: proposal.target,
    summary: `${proposal.policy} ${(CALLS[guard] ?? SHARED_CAUSE).does} ${mark.workload}: ${reason}. ${proposal.why}`,
    details: { policy: proposal.policy, action: proposal.action, cause: mark.cause, workload: mark.workload, guard },
  };
}

/** The end of one call; a person who acted meanwhile has not ended it at its receiver. */
export function resolvedAlert(mark: EpisodeMark, { guard, beganAt }: Call, context: Context): Alert {
  return {
    ...common(mark, guard, beganAt, context),
    state: "resolved",
    target: mark.workload,
    summary: `${mark.workload} has not failed (${mark.cause}) since ${new Date(mark.lastFiringAt).toISOString()}`,
    details: { cause: mark.cause, workload: mark.workload, guard },
  };
}

function common(mark: EpisodeMark, guard: GuardName, beganAt: Instant, { site, runbooks, at }: Context): Pick<Alert, "key" | "severity" | "site" | "reason" | "startedAt" | "at" | "runbook"> {
  const call = CALLS[guard] ?? SHARED_CAUSE;
  return {
    key: alertKey(site, `escalation:${guard}:${mark.workload}:${mark.cause}`, beganAt),
    severity: "page",
    site,
    reason: call.reason,
    startedAt: mark.openedAt,
    at,
    runbook: `${runbooks}/${call.runbook}.md`,
  };
}
