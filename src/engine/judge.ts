/**
 * Judging: folds every observation into its look's state, and tells once when a verdict,
 * the site's status, flapping or blindness changes.
 *
 * Only a look that has changed is judged again, and those it may explain, because there
 * may be thousands.
 */
import type { CheckSpec } from "../core/check.ts";
import type { CheckState } from "../core/check-state.ts";
import { cannotSee, initialState, isGoneNow, observe, resetRuns } from "../core/check-state.ts";
import { doubtOf } from "../core/explanation.ts";
import type { FlapState } from "../core/flapping.ts";
import { flapPercent, observeFlap, STEADY } from "../core/flapping.ts";
import type { Observation } from "../core/observation.ts";
import type { LookStatus, SiteJudgement, SiteStatus } from "../core/status.ts";
import { aggregate, dependenciesOf, judgeLook, judgeSite } from "../core/status.ts";
import type { LookKey, TargetId } from "../core/target.ts";
import { lookKey } from "../core/target.ts";
import type { Instant } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Incidents } from "./incidents.ts";
import type { Recorder } from "./record.ts";
import { describeSeen } from "./record.ts";

export type JudgeParts = {
  readonly checks: readonly CheckSpec[];
  readonly clock: Clock;
  readonly recorder: Recorder;
  readonly incidents: Incidents;
  /** Unknowns in a row that alert. */
  readonly cannotSeeAfter: number;
  /** A change of this target now is of our own making, so it is no flapping. */
  readonly excused: (target: TargetId) => boolean;
  /** A look's verdict has changed. */
  readonly turned: (look: LookStatus) => void;
};

export interface Judge {
  /** @returns the look's new state. */
  observed(check: CheckSpec, target: TargetId, seen: Observation): CheckState;
  /** After an action of our own: what was counted of this target before says nothing about it now. */
  reset(target: TargetId): void;
  states(): ReadonlyMap<LookKey, CheckState>;
  flaps(): ReadonlyMap<LookKey, FlapState>;
  site(): SiteJudgement & { readonly since: Instant };
}

export function createJudge(parts: JudgeParts): Judge {
  const { checks, clock, recorder, incidents } = parts;
  const began = clock.now();
  const active = checks.filter((check) => check.inactive === null);
  const states = new Map(active.flatMap((check) => check.targets.map((target) => [lookKey(check.name, target), initialState(began)] as const)));
  const flaps = new Map<LookKey, FlapState>();
  const byName = new Map(checks.map((check) => [check.name, check]));
  /** Checks that depend on each check, through others too. */
  const dependents = new Map(checks.map(({ name }) => [name, checks.filter((other) => dependenciesOf(other.name, byName).includes(name))]));
  /** In the order of the configuration. */
  const looks = new Map(judgeSite(checks, states).looks.map((look) => [look.key, look]));
  let status: Pick<SiteJudgement, "status" | "causes"> & { readonly since: Instant } = { ...aggregate(looks.values()), since: began };

  /** Judges a look again, and those it may explain. */
  const rejudge = (check: CheckSpec, target: TargetId, now: Instant): { readonly before: SiteStatus; readonly uncovered: readonly LookStatus[] } => {
    const before = status.status;
    const uncovered: LookStatus[] = [];
    const renew = (one: CheckSpec, at: TargetId): void => {
      const next = judgeLook(one, at, byName, states);
      if (next.suppressedBy === null && (looks.get(next.key)?.suppressedBy ?? null) !== null) uncovered.push(next);
      looks.set(next.key, next);
    };
    renew(check, target);
    for (const dependent of dependents.get(check.name) ?? []) for (const at of dependent.targets) renew(dependent, at);
    const next = aggregate(looks.values());
    status = { ...next, since: next.status === before ? status.since : now };
    return { before, uncovered };
  };
  /** A process that is known to be gone needs no explanation. */
  const doubted = ({ check, target, key, verdict }: LookStatus): boolean => {
    const spec = byName.get(check);
    const state = states.get(key);
    if (verdict === "healthy" || spec === undefined || state === undefined || isGoneNow(state)) return false;
    const doubt = doubtOf(spec, target, byName, states);
    // To be throttled may last, and has no incident of its own that says pages are broken.
    return doubt !== null && doubt.kind !== "throttled";
  };
  const flapChanged = (look: LookStatus, before: FlapState, after: FlapState, first: boolean, now: Instant): void => {
    // An earlier process may have left an incident: what it froze, this one does not.
    if (first) return incidents.flapping(look, false, now);
    if (before.flapping === after.flapping) return;
    recorder.flappingChanged({ at: now, key: look.key, check: look.check, target: look.target, flapping: after.flapping, percent: flapPercent(after) });
    incidents.flapping(look, after.flapping, now);
  };
  const sightChanged = (look: LookStatus, before: CheckState, after: CheckState, seen: Observation, now: Instant): void => {
    // Only what is seen ends blindness: also one of an earlier process, or from before a restart reset the count.
    if (seen.kind !== "unknown") return before.last === null || before.last.kind === "unknown" ? incidents.blind(look, null, now) : undefined;
    // Told once for the whole site by the connectivity guard.
    if (seen.cause !== "no_network" && cannotSee(after, parts.cannotSeeAfter)) incidents.blind(look, describeSeen(seen), now);
  };
  const turned = (look: LookStatus, before: CheckState, seen: Observation, now: Instant): void => {
    if (look.verdict === before.verdict) return;
    const { key, check, target, verdict, since, suppressedBy } = look;
    recorder.verdictChanged({ at: now, key, check, target, from: before.verdict, to: verdict, since, seen, suppressedBy });
  };

  return {
    observed: (check, target, seen) => {
      const now = clock.now();
      const key = lookKey(check.name, target);
      const before = states.get(key) ?? initialState(began);
      const after = observe(before, seen, check.thresholds);
      const flapBefore = flaps.get(key) ?? STEADY;
      const flapAfter = observeFlap(flapBefore, seen, parts.excused(target));
      states.set(key, after);
      flaps.set(key, flapAfter);
      recorder.observed({ key, check: check.name, target, seen, verdict: after.verdict });

      const changed = before.verdict !== after.verdict || isGoneNow(before) !== isGoneNow(after) || before.last === null;
      const outcome = changed ? rejudge(check, target, now) : null;
      const look = looks.get(key);
      if (look === undefined) return after;
      turned(look, before, seen, now);
      if (outcome !== null && outcome.before !== status.status) recorder.statusChanged({ at: now, from: outcome.before, to: status.status, causes: status.causes });
      flapChanged(look, flapBefore, flapAfter, before.last === null, now);
      sightChanged(look, before, after, seen, now);
      const review = (one: LookStatus): void => incidents.review(one, { flapping: flaps.get(one.key)?.flapping ?? false, doubted: doubted(one) }, now);
      review(look);
      outcome?.uncovered.forEach(review);
      if (look.verdict !== before.verdict) parts.turned(look);
      return after;
    },
    reset: (target) => {
      for (const check of checks) {
        const state = states.get(lookKey(check.name, target));
        if (state !== undefined) states.set(lookKey(check.name, target), resetRuns(state));
      }
    },
    states: () => states,
    flaps: () => flaps,
    site: () => ({ ...status, looks: [...looks.values()] }),
  };
}
