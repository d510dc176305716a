/**
 * How an escalation reads to the person who is called.
 */
import { alertKey } from "../core/alert-key.ts";
import type { Alert } from "../core/alert.ts";
import type { EpisodeMark } from "../core/episode.ts";
import type { Decision, GuardName } from "../core/proposal.ts";
import type { Instant } from "../core/time.ts";

type Context = { readonly site: string; readonly runbooks: string; readonly at: Instant };

export function escalationAlert({ proposal, guard, reason }: Extract<Decision, { kind: "escalate" }>, mark: EpisodeMark, context: Context): Alert {
  return {
    ...common(mark, guard, context),
    state: "firing",
    target: proposal.target,
    summary: `${proposal.policy} gives up on ${mark.workload}: ${reason}. ${proposal.why}`,
    details: { policy: proposal.policy, action: proposal.action, cause: mark.cause, workload: mark.workload, guard },
  };
}

export function resolvedAlert(mark: EpisodeMark, guard: GuardName, context: Context): Alert {
  return {
    ...common(mark, guard, context),
    state: "resolved",
    target: mark.workload,
    summary: `${mark.workload} has not failed (${mark.cause}) since ${new Date(mark.lastFiringAt).toISOString()}`,
    details: { cause: mark.cause, workload: mark.workload, guard },
  };
}

function common(mark: EpisodeMark, guard: GuardName, { site, runbooks, at }: Context): Pick<Alert, "key" | "severity" | "site" | "reason" | "startedAt" | "at" | "runbook"> {
  // Re-arming begins a new call within the same episode, so it counts for the key.
  const start = mark.rearmedAt ?? mark.openedAt;
  const ladder = guard === "ladder";
  return {
    key: alertKey(site, `escalation:${guard}:${mark.workload}:${mark.cause}`, start),
    severity: "page",
    site,
    reason: ladder ? "restart_escalated" : "shared_cause",
    startedAt: mark.openedAt,
    at,
    runbook: `${runbooks}/${ladder ? "restart-escalated" : "shared-cause"}.md`,
  };
}
