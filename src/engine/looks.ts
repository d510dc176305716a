/** Which looks concern a target. */
import type { CheckSpec } from "../core/check.ts";
import { isAmong, replicasIn } from "../core/roster-index.ts";
import { dependenciesOf } from "../core/status.ts";
import type { LookKey, TargetId } from "../core/target.ts";
import { lookKey, SITE } from "../core/target.ts";
import type { Roll } from "./roll.ts";

/** Active checks that look at the target itself. */
export function checksAt(target: TargetId, checks: readonly CheckSpec[]): readonly CheckSpec[] {
  return checks.filter((check) => check.inactive === null && isAmong(check.targets, target));
}

/** Why nobody looks at a target by this check; null: somebody does. What was open about such a look is over. */
export function whyNotLooked(name: string, target: TargetId, checks: readonly CheckSpec[]): string | null {
  const check = checks.find((one) => one.name === name);
  if (check === undefined) return "the check is no longer configured";
  if (check.inactive !== null) return `the check is inactive: ${check.inactive}`;
  return isAmong(check.targets, target) ? null : `the check no longer looks at ${target}`;
}

/** The target's own looks, and those of the checks they depend on, wherever these look. */
export function looksFor(target: TargetId, checks: readonly CheckSpec[]): readonly LookKey[] {
  const byName = new Map(checks.map((check) => [check.name, check]));
  const own = checksAt(target, checks);
  const needed = new Set(own.flatMap((check) => dependenciesOf(check.name, byName)));
  const shared = checks.filter((check) => needed.has(check.name) && !own.includes(check));
  return [...own.map((check) => lookKey(check.name, target)), ...shared.flatMap((check) => check.targets.map((id) => lookKey(check.name, id)))];
}

/** Siblings asked when one of them fails; of a larger workload enough are looked at in that time anyway. */
const MAX_SIBLINGS = 50;

/** The same look at other pods of the workload: whether the fault is one pod's own shows by its siblings. */
export function siblingLooks(check: CheckSpec, target: TargetId, roll: Roll): readonly LookKey[] {
  const own = roll.target(target);
  if (own?.kind !== "pod") return [];
  const keys: LookKey[] = [];
  for (const { id, kind } of replicasIn(roll.targets, own.workload)) {
    if (keys.length >= MAX_SIBLINGS) break;
    if (kind === "pod" && id !== target && roll.looksAt(check.name, id)) keys.push(lookKey(check.name, id));
  }
  return keys;
}

/** The looks that may explain why `check` fails at `target`: those of its dependencies, at the same target, else at the site, else everywhere. */
export function explainingLooks(check: CheckSpec, target: TargetId, checks: readonly CheckSpec[]): readonly LookKey[] {
  if (check.dependsOn.length === 0) return [];
  const byName = new Map(checks.map((one) => [one.name, one]));
  return dependenciesOf(check.name, byName).flatMap((name) => {
    const targets = byName.get(name)?.targets ?? [];
    const asked = isAmong(targets, target) ? [target] : isAmong(targets, SITE) ? [SITE] : targets;
    return asked.map((id) => lookKey(name, id));
  });
}
