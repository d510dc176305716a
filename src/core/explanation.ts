/**
 * Dependencies that may explain a failing look in a moment, though none of them is unhealthy
 * yet: verdicts turn one after the other, and whoever turns first must not be blamed for that.
 */
import type { CheckSpec } from "./check.ts";
import type { CheckState } from "./check-state.ts";
import { isAmong } from "./roster-index.ts";
import { dependenciesOf } from "./status.ts";
import type { LookKey, TargetId } from "./target.ts";
import { lookKey, SITE } from "./target.ts";
import type { Instant } from "./time.ts";

/**
 * `failing`: its failures have begun. `throttled`: it turned our last look away for asking too much, as it
 * then does to the application too (Hydrogen makes errors and 404s of that). `unasked`: it was not looked at since the look in question began to fail.
 * `unconfirmed`: it passes again, and the look in question has not been repeated since: its failures may be from before.
 */
export type Doubt =
  | { readonly kind: "failing" | "unasked" | "unconfirmed"; readonly dependency: string }
  /** `since`: nothing has been seen of it from then on. */
  | { readonly kind: "throttled"; readonly dependency: string; readonly since: Instant };

/**
 * What may explain why `check` fails at `target`; a dependency that fails goes before one that was not
 * asked. A look that could not see for another reason (`unknown`) counts as asked: blindness must not
 * keep a sick process for ever. null: nothing may.
 */
export function doubtOf(check: CheckSpec, target: TargetId, byName: ReadonlyMap<string, CheckSpec>, states: ReadonlyMap<LookKey, CheckState>): Doubt | null {
  const own = states.get(lookKey(check.name, target));
  const failing = own?.failing;
  let other: Doubt | null = null;
  for (const name of dependenciesOf(check.name, byName)) {
    const dependency = byName.get(name);
    if (dependency === undefined || dependency.inactive !== null) continue;
    const state = states.get(lookKey(name, isAmong(dependency.targets, target) ? target : SITE));
    if (state !== undefined && (state.verdict === "unhealthy" || state.failing.count > 0)) return { kind: "failing", dependency: name };
    if (state?.last?.kind === "unknown" && state.last.cause === "throttled") other ??= { kind: "throttled", dependency: name, since: state.unknowns.since };
    const asked = failing === undefined || failing.count === 0 || (state?.last != null && state.last.at - state.last.tookMs >= failing.since);
    if (!asked) other ??= { kind: "unasked", dependency: name };
    if (isOld(own, state)) other ??= { kind: "unconfirmed", dependency: name };
  }
  return other;
}

/**
 * The dependency has passed again since the look began to fail, and the look has not been repeated from its
 * beginning since: one that was begun before may have waited all its time for what was not there.
 */
function isOld(own: CheckState | undefined, dependency: CheckState | undefined): boolean {
  if (own?.last == null || dependency === undefined || own.failing.count === 0 || dependency.passing.count === 0) return false;
  return dependency.passing.since > own.failing.since && own.last.at - own.last.tookMs < dependency.passing.since;
}
