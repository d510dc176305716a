/** Which looks concern a target. */
import type { CheckSpec } from "../core/check.ts";
import { dependenciesOf } from "../core/status.ts";
import type { LookKey, TargetId } from "../core/target.ts";
import { lookKey } from "../core/target.ts";

/** Active checks that look at the target itself. */
export function checksAt(target: TargetId, checks: readonly CheckSpec[]): readonly CheckSpec[] {
  return checks.filter((check) => check.inactive === null && check.targets.includes(target));
}

/** The target's own looks, and those of the checks they depend on, wherever these look. */
export function looksFor(target: TargetId, checks: readonly CheckSpec[]): readonly LookKey[] {
  const byName = new Map(checks.map((check) => [check.name, check]));
  const own = checksAt(target, checks);
  const needed = new Set(own.flatMap((check) => dependenciesOf(check.name, byName)));
  const shared = checks.filter((check) => needed.has(check.name) && !own.includes(check));
  return [...own.map((check) => lookKey(check.name, target)), ...shared.flatMap((check) => check.targets.map((id) => lookKey(check.name, id)))];
}

/** Looks of everything that a check declares to depend on, wherever they look. */
export function dependencyLooks(check: CheckSpec, checks: readonly CheckSpec[]): readonly LookKey[] {
  const needed = new Set(dependenciesOf(check.name, new Map(checks.map((one) => [one.name, one]))));
  return checks.filter((one) => needed.has(one.name) && one.inactive === null).flatMap((one) => one.targets.map((id) => lookKey(one.name, id)));
}
