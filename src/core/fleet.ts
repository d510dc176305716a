/**
 * The fleet: what share of a workload, a zone or a region fails the same check, and
 * what share of a workload is in recovery. One sick pod is its own fault; half of
 * them are somebody else's.
 */
import type { CheckVerdict } from "./check-state.ts";
import { replicasIn, targetIn } from "./roster-index.ts";
import type { Target, TargetId } from "./target.ts";

export type FleetScope = "workload" | "zone" | "region";

/** One target's verdict of the check in question. */
export type Member = { readonly target: Target; readonly verdict: CheckVerdict };

export type Share = {
  readonly scope: FleetScope;
  /** Name of the workload, zone or region. */
  readonly name: string;
  readonly check: string;
  /** Members with a verdict; those still `unknown` are no evidence either way and are left out. */
  readonly judged: number;
  /** Members that are unhealthy, in the order given. */
  readonly failing: readonly TargetId[];
  /** failing / judged, 0 to 1; 0 when nothing is judged. */
  readonly share: number;
};

const SCOPES: readonly FleetScope[] = ["workload", "zone", "region"];

/** Shares of members failing `check`, one per workload, zone and region that occurs; targets without a zone or region are left out of that scope. */
export function failingShares(check: string, members: readonly Member[], scopes: readonly FleetScope[] = SCOPES): readonly Share[] {
  const groups = new Map<string, { scope: FleetScope; name: string; judged: number; failing: TargetId[] }>();
  for (const { target, verdict } of members) {
    if (verdict === "unknown") continue;
    for (const scope of scopes) {
      const name = target[scope];
      if (name === undefined) continue;
      const key = `${scope}/${name}`;
      const group = groups.get(key) ?? { scope, name, judged: 0, failing: [] };
      groups.set(key, group);
      group.judged += 1;
      if (verdict === "unhealthy") group.failing.push(target.id);
    }
  }
  return [...groups.values()].map((group) => ({ ...group, check, share: group.failing.length / group.judged }));
}

export type RecoveryShare = {
  readonly workload: string;
  readonly total: number;
  readonly inRecovery: readonly TargetId[];
  /** inRecovery / total, 0 to 1; 0 for a workload without targets. */
  readonly share: number;
};

/** What share of a workload is being recovered, the workload as a whole not counted; `recovering` may name targets of other workloads, which are ignored. */
export function recoveryShare(workload: string, targets: readonly Target[], recovering: ReadonlySet<TargetId>): RecoveryShare {
  const total = replicasIn(targets, workload).length;
  const inRecovery = [...recovering].filter((id) => isReplica(targetIn(targets, id), workload));
  return { workload, total, inRecovery, share: total === 0 ? 0 : inRecovery.length / total };
}

function isReplica(target: Target | undefined, workload: string): boolean {
  return target !== undefined && target.workload === workload && target.kind !== "workload";
}
