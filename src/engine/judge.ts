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
import type { RosterChange } from "../core/roster.ts";
import type { LookStatus, SiteJudgement, SiteStatus } from "../core/status.ts";
import { dependenciesOf, judgeLook, judgeSite } from "../core/status.ts";
import type { LookKey, TargetId } from "../core/target.ts";
import { lookKey } from "../core/target.ts";
import type { Instant } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Incidents } from "./incidents.ts";
import type { Recorder } from "./record.ts";
import { describeSeen } from "./record.ts";
import type { Roll } from "./roll.ts";
import { Tally } from "./tally.ts";

export type JudgeParts = {
  readonly roll: Roll;
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
  /** The roster has changed: what is gone is forgotten, what has come is unknown yet. */
  enrol(change: Pick<RosterChange, "gone" | "come">): void;
  states(): ReadonlyMap<LookKey, CheckState>;
  flaps(): ReadonlyMap<LookKey, FlapState>;
  /** Looks that flap now. */
  flapping(): ReadonlySet<LookKey>;
  site(): SiteJudgement & { readonly since: Instant };
}

export function createJudge(parts: JudgeParts): Judge {
  return new Judging(parts);
}

type Standing = { readonly status: SiteStatus; readonly since: Instant };

class Judging implements Judge {
  readonly #parts: JudgeParts;
  readonly #began: Instant;
  readonly #states = new Map<LookKey, CheckState>();
  readonly #flaps = new Map<LookKey, FlapState>();
  /** Those of them that flap: few among thousands, and asked for at every step. */
  readonly #flapping = new Set<LookKey>();
  #names: Names;
  #looks: Tally;
  #status: Standing;

  constructor(parts: JudgeParts) {
    const { roll, clock } = parts;
    this.#parts = parts;
    this.#began = clock.now();
    for (const check of roll.checks) {
      if (check.inactive === null) for (const target of check.targets) this.#states.set(lookKey(check.name, target), initialState(this.#began));
    }
    this.#names = namesOf(roll.checks);
    this.#looks = new Tally(judgeSite(roll.checks, this.#states).looks);
    this.#status = { status: this.#looks.status(), since: this.#began };
  }

  observed(check: CheckSpec, target: TargetId, seen: Observation): CheckState {
    const { clock, recorder, incidents } = this.#parts;
    const now = clock.now();
    const key = lookKey(check.name, target);
    const before = this.#states.get(key) ?? initialState(this.#began);
    const after = observe(before, seen, check.thresholds);
    const flapBefore = this.#flaps.get(key) ?? STEADY;
    const flapAfter = observeFlap(flapBefore, seen, this.#parts.excused(target));
    this.#states.set(key, after);
    this.#flaps.set(key, flapAfter);
    if (flapAfter.flapping) this.#flapping.add(key);
    else this.#flapping.delete(key);
    recorder.observed({ key, check: check.name, target, seen, verdict: after.verdict });

    const changed = before.verdict !== after.verdict || isGoneNow(before) !== isGoneNow(after) || before.last === null;
    const uncovered = changed ? this.#rejudge(check, target, now) : [];
    const look = this.#looks.get(key);
    if (look === undefined) return after;
    this.#flapChanged(look, flapBefore, flapAfter, before.last === null, now);
    this.#sightChanged(look, before, after, seen, now);
    for (const one of [look, ...uncovered]) incidents.review(one, { flapping: this.#flaps.get(one.key)?.flapping ?? false, doubted: this.#isDoubted(one) }, now);
    if (look.verdict !== before.verdict) this.#parts.turned(look);
    return after;
  }

  reset(target: TargetId): void {
    for (const check of this.#parts.roll.checks) {
      const key = lookKey(check.name, target);
      const state = this.#states.get(key);
      if (state !== undefined) this.#states.set(key, resetRuns(state));
    }
  }

  enrol({ gone, come }: Pick<RosterChange, "gone" | "come">): void {
    const { roll, clock } = this.#parts;
    const now = clock.now();
    for (const key of gone) {
      this.#states.delete(key);
      this.#flaps.delete(key);
      this.#flapping.delete(key);
    }
    for (const key of come) this.#states.set(key, initialState(now));
    this.#names = namesOf(roll.checks);
    this.#looks = new Tally(judgeSite(roll.checks, this.#states).looks);
    this.#restate(now);
  }

  states(): ReadonlyMap<LookKey, CheckState> {
    return this.#states;
  }

  flaps(): ReadonlyMap<LookKey, FlapState> {
    return this.#flaps;
  }

  flapping(): ReadonlySet<LookKey> {
    return new Set(this.#flapping);
  }

  site(): SiteJudgement & { readonly since: Instant } {
    return { ...this.#looks.judgement(), since: this.#status.since };
  }

  /** Judges a look again, and those it may explain. @returns what had an explanation and has none now. */
  #rejudge(check: CheckSpec, target: TargetId, now: Instant): readonly LookStatus[] {
    const uncovered: LookStatus[] = [];
    const before = this.#looks.get(lookKey(check.name, target));
    const renew = (one: CheckSpec, at: TargetId): LookStatus => {
      const next = judgeLook(one, at, this.#names.byName, this.#states);
      if (next.suppressedBy === null && (this.#looks.get(next.key)?.suppressedBy ?? null) !== null) uncovered.push(next);
      this.#looks.put(next);
      return next;
    };
    this.#turned(before, renew(check, target), now);
    for (const dependent of this.#names.dependents.get(check.name) ?? []) {
      // Where both look at the same target, it says nothing of any other.
      for (const at of dependent.targets) if (at === target || !this.#parts.roll.looksAt(check.name, at)) renew(dependent, at);
    }
    this.#restate(now);
    return uncovered;
  }

  #turned(before: LookStatus | undefined, look: LookStatus, now: Instant): void {
    const seen = this.#states.get(look.key)?.last;
    if (before === undefined || seen == null || look.verdict === before.verdict) return;
    const { key, check, target, verdict, since, suppressedBy } = look;
    this.#parts.recorder.verdictChanged({ at: now, key, check, target, from: before.verdict, to: verdict, since, seen, suppressedBy });
  }

  #restate(now: Instant): void {
    const before = this.#status.status;
    const status = this.#looks.status();
    if (status === before) return;
    this.#status = { status, since: now };
    this.#parts.recorder.statusChanged({ at: now, from: before, to: status, causes: this.#looks.judgement().causes });
  }

  /** A process that is known to be gone needs no explanation. */
  #isDoubted({ check, target, key, verdict }: LookStatus): boolean {
    const spec = this.#names.byName.get(check);
    const state = this.#states.get(key);
    if (verdict === "healthy" || spec === undefined || state === undefined || isGoneNow(state)) return false;
    const doubt = doubtOf(spec, target, this.#names.byName, this.#states);
    // To be throttled may last, and has no incident of its own that says pages are broken.
    return doubt !== null && doubt.kind !== "throttled";
  }

  #flapChanged(look: LookStatus, before: FlapState, after: FlapState, first: boolean, now: Instant): void {
    const { incidents, recorder } = this.#parts;
    // An earlier process may have left an incident: what it froze, this one does not.
    if (first) return incidents.flapping(look, false, now);
    if (before.flapping === after.flapping) return;
    recorder.flappingChanged({ at: now, key: look.key, check: look.check, target: look.target, flapping: after.flapping, percent: flapPercent(after) });
    incidents.flapping(look, after.flapping, now);
  }

  #sightChanged(look: LookStatus, before: CheckState, after: CheckState, seen: Observation, now: Instant): void {
    const { incidents, cannotSeeAfter } = this.#parts;
    // Only what is seen ends blindness: also one of an earlier process, or from before a restart reset the count.
    if (seen.kind !== "unknown") return before.last === null || before.last.kind === "unknown" ? incidents.blind(look, null, now) : undefined;
    // Told once for the whole site by the connectivity guard.
    if (seen.cause !== "no_network" && cannotSee(after, cannotSeeAfter)) incidents.blind(look, describeSeen(seen), now);
  }
}

type Names = { readonly byName: ReadonlyMap<string, CheckSpec>; readonly dependents: ReadonlyMap<string, readonly CheckSpec[]> };

/** The checks by name, and those that depend on each, through others too. */
function namesOf(checks: readonly CheckSpec[]): Names {
  const byName = new Map(checks.map((check) => [check.name, check]));
  return { byName, dependents: new Map(checks.map(({ name }) => [name, checks.filter((other) => dependenciesOf(other.name, byName).includes(name))])) };
}
