/** Whether the policy of the failover acts at this moment: its mode, pauses and maintenance windows count as for any other. */
import { windowRemaining } from "../local-time.ts";
import type { PolicySpec } from "../policy.ts";
import type { Mode } from "../proposal.ts";
import type { Pause } from "../scene.ts";
import { formatDuration, type Instant } from "../time.ts";

/**
 * @param policy null: none has the action. `mode` is the one in force.
 * @param wall ms since the epoch, for windows.
 * @returns why decisions are only recorded; null: they are carried out.
 */
export function onlyRecords(policy: (Pick<PolicySpec, "name" | "windows"> & { readonly mode: Mode }) | null, pauses: readonly Pause[], now: Instant, wall: number): string | null {
  if (policy === null) return "no policy has the action failover_dns";
  const pause = pauses.find(({ scope, until }) => (until === null || until > now) && (scope.kind === "all" || (scope.kind === "policy" && scope.policy === policy.name)));
  if (pause !== undefined) return `paused by ${pause.by}: ${pause.why}`;
  if (policy.mode !== "act") return `the policy ${policy.name} only records`;
  for (const window of policy.windows) {
    const remaining = windowRemaining(window, wall);
    if (remaining !== null) return `maintenance window ${window.name}, for another ${formatDuration(remaining)}`;
  }
  return null;
}
