/**
 * From verdicts of looks to one status of the site, with its causes.
 *
 * Any critical look unhealthy makes the site unhealthy; any look degraded, or a
 * non-critical one unhealthy, makes it degraded. A look whose check depends on an
 * unhealthy one is suppressed: shown, not counted, not alerted, not acted on, unless
 * its process is known to be gone, which no dependency explains. An inactive check is
 * shown and nothing else.
 */
import type { CheckSpec } from "./check.ts";
import type { CheckState, CheckVerdict } from "./check-state.ts";
import { isGoneNow } from "./check-state.ts";
import { isAmong, looksOf } from "./roster-index.ts";
import type { LookKey, TargetId } from "./target.ts";
import { lookKey, SITE } from "./target.ts";
import type { Instant } from "./time.ts";

export type SiteStatus = "healthy" | "degraded" | "unhealthy" | "unknown";

/** One look as it counts. */
export type LookStatus = {
  readonly key: LookKey;
  readonly check: string;
  readonly target: TargetId;
  readonly critical: boolean;
  readonly verdict: CheckVerdict;
  readonly since: Instant;
  /** The look whose being unhealthy explains this one, by key; null when it counts itself. */
  readonly suppressedBy: LookKey | null;
  /** Why the check is not looked at; null when it is. */
  readonly inactive: string | null;
};

/** One counted look that keeps the site from being healthy. */
export type StatusCause = { readonly key: LookKey; readonly check: string; readonly target: TargetId; readonly verdict: CheckVerdict; readonly since: Instant };

export type SiteJudgement = {
  readonly status: SiteStatus;
  /** Worst first, then oldest first; empty when healthy. */
  readonly causes: readonly StatusCause[];
  /** In the order of the configuration. */
  readonly looks: readonly LookStatus[];
};

/** Judges the whole site. Looks without a state (inactive, or not begun) count as `unknown`. */
export function judgeSite(checks: readonly CheckSpec[], states: ReadonlyMap<LookKey, CheckState>): SiteJudgement {
  const byName = new Map(checks.map((check) => [check.name, check]));
  const looks = checks.flatMap((check) => check.targets.map((target) => judgeLook(check, target, byName, states)));
  return { ...aggregate(looks), looks };
}

/** The same rules over the looks of one target only. */
export function judgeTarget(judgement: SiteJudgement, target: TargetId): SiteJudgement {
  const looks = judgement.looks.filter((look) => look.target === target);
  return { ...aggregate(looks), looks };
}

/** The words of health+json (draft-inadarei-api-health-check-06). Not knowing yet is a warning, not a failure. */
export function healthWord(status: SiteStatus | CheckVerdict): "pass" | "warn" | "fail" {
  switch (status) {
    case "healthy":
      return "pass";
    case "degraded":
    case "unknown":
      return "warn";
    case "unhealthy":
      return "fail";
  }
}

/** Declared dependencies of a check, theirs included, nearest first; itself never among them, whatever cycles there are. */
export function dependenciesOf(name: string, byName: ReadonlyMap<string, CheckSpec>): readonly string[] {
  const found = new Set<string>();
  const queue = [...(byName.get(name)?.dependsOn ?? [])];
  for (const next of queue) {
    if (next === name || found.has(next)) continue;
    found.add(next);
    queue.push(...(byName.get(next)?.dependsOn ?? []));
  }
  return [...found];
}

/**
 * The unhealthy look of a declared dependency that explains `check` failing at `target`; the
 * farthest dependency (the root) when several are unhealthy, null when none is.
 *
 * A dependency that looks at the same target is asked there, else at the site, else
 * everywhere it looks: then all of it must be unhealthy.
 */
export function unhealthyDependency(
  check: CheckSpec,
  target: TargetId,
  byName: ReadonlyMap<string, CheckSpec>,
  states: ReadonlyMap<LookKey, CheckState>,
): LookKey | null {
  let root: LookKey | null = null;
  for (const name of dependenciesOf(check.name, byName)) {
    const dependency = byName.get(name);
    if (dependency === undefined || dependency.inactive !== null) continue;
    root = unhealthyLook(dependency, target, states) ?? root;
  }
  return root;
}

function unhealthyLook(check: CheckSpec, target: TargetId, states: ReadonlyMap<LookKey, CheckState>): LookKey | null {
  const asked = isAmong(check.targets, target) ? [target] : isAmong(check.targets, SITE) ? [SITE] : check.targets;
  const keys = asked === check.targets ? looksOf(check).map(({ key }) => key) : asked.map((id) => lookKey(check.name, id));
  const all = keys.length > 0 && keys.every((key) => states.get(key)?.verdict === "unhealthy");
  return all ? (keys[0] ?? null) : null;
}

/** How one look counts, given the states of those it depends on. */
export function judgeLook(check: CheckSpec, target: TargetId, byName: ReadonlyMap<string, CheckSpec>, states: ReadonlyMap<LookKey, CheckState>): LookStatus {
  const key = lookKey(check.name, target);
  const state = states.get(key);
  const ill = state !== undefined && (state.verdict === "degraded" || state.verdict === "unhealthy");
  const coverable = ill && check.inactive === null && !isGoneNow(state);
  return {
    key,
    check: check.name,
    target,
    critical: check.critical,
    verdict: state?.verdict ?? "unknown",
    since: state?.since ?? 0,
    suppressedBy: coverable ? unhealthyDependency(check, target, byName, states) : null,
    inactive: check.inactive,
  };
}

/** How a look bears on the site. `down`: critical and unhealthy. `ill`: bad, yet not that. `blind`: critical, and nobody knows. */
export type Bearing = "down" | "ill" | "blind" | "well";

/** How many looks bear on the site in each way. */
export type Bearings = Readonly<Record<Bearing, number>>;

/** null: not at all. */
export function bearingOf({ inactive, suppressedBy, verdict, critical }: LookStatus): Bearing | null {
  if (inactive !== null || suppressedBy !== null) return null;
  switch (verdict) {
    case "healthy":
      return "well";
    case "unknown":
      return critical ? "blind" : null;
    case "degraded":
      return "ill";
    case "unhealthy":
      return critical ? "down" : "ill";
  }
}

/** The site's status from how many looks bear on it in each way. */
export function statusOf({ down, ill, blind, well }: Bearings): SiteStatus {
  if (down > 0) return "unhealthy";
  if (ill > 0) return "degraded";
  return blind > 0 || well === 0 ? "unknown" : "healthy";
}

/** The site's status from how each look counts. One pass: there may be thousands. */
export function aggregate(looks: Iterable<LookStatus>): Pick<SiteJudgement, "status" | "causes"> {
  const of: Readonly<Record<Bearing, LookStatus[]>> = { down: [], ill: [], blind: [], well: [] };
  for (const look of looks) {
    const bearing = bearingOf(look);
    if (bearing !== null) of[bearing].push(look);
  }
  const status = statusOf({ down: of.down.length, ill: of.ill.length, blind: of.blind.length, well: of.well.length });
  return { status, causes: status === "healthy" ? [] : causesOf(status === "unknown" ? of.blind : [...of.down, ...of.ill]) };
}

function causesOf(looks: readonly LookStatus[]): readonly StatusCause[] {
  const weight = (look: LookStatus): number => (look.verdict === "unhealthy" ? (look.critical ? 0 : 1) : 2);
  return looks
    .toSorted((a, b) => weight(a) - weight(b) || a.since - b.since)
    .map(({ key, check, target, verdict, since }) => ({ key, check, target, verdict, since }));
}
