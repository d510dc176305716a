/**
 * What there is to look at now. What is configured by name stays; pods come and go.
 */
import type { CheckSpec } from "./check.ts";
import type { LookKey, Target, TargetId } from "./target.ts";
import { looksOf } from "./roster-index.ts";
import type { Ms } from "./time.ts";

export type Roster = {
  readonly targets: readonly Target[];
  /** In the order of the configuration, the inactive ones too, each with the targets it looks at now. */
  readonly checks: readonly CheckSpec[];
  /** Restarts are not counted against a target for this long after a start; absent: 0. */
  readonly startupGrace: ReadonlyMap<TargetId, Ms>;
};

/** Looks that are made no more, and those that are new. */
export type RosterChange = {
  readonly gone: readonly LookKey[];
  readonly come: readonly LookKey[];
  readonly goneTargets: readonly TargetId[];
  readonly comeTargets: readonly TargetId[];
};

export function rosterChange(before: Roster, after: Roster): RosterChange {
  const [old, now] = [keysOf(before), keysOf(after)];
  const [oldTargets, targets] = [idsOf(before), idsOf(after)];
  return { gone: without(old, now), come: without(now, old), goneTargets: without(oldTargets, targets), comeTargets: without(targets, oldTargets) };
}

function keysOf({ checks }: Roster): ReadonlySet<LookKey> {
  return new Set(checks.filter((check) => check.inactive === null).flatMap((check) => looksOf(check).map(({ key }) => key)));
}

function idsOf({ targets }: Roster): ReadonlySet<TargetId> {
  return new Set(targets.map((target) => target.id));
}

function without<T>(all: ReadonlySet<T>, other: ReadonlySet<T>): readonly T[] {
  return [...all].filter((one) => !other.has(one));
}
