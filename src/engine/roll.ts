/**
 * The roster in force, in one place for all parts of the engine, since pods come and go while it runs.
 */
import type { CheckSpec } from "../core/check.ts";
import type { Roster, RosterChange } from "../core/roster.ts";
import { rosterChange } from "../core/roster.ts";
import type { Target, TargetId } from "../core/target.ts";
import { SITE } from "../core/target.ts";
import type { Ms } from "../core/time.ts";

/** What targets share, as a target. */
export const SHARED: Target = { id: SITE, kind: "origin", workload: SITE };

export class Roll implements Roster {
  #roster: Roster;
  #byId: ReadonlyMap<TargetId, Target>;
  #watched: ReadonlyMap<string, ReadonlySet<TargetId>>;

  constructor(roster: Roster) {
    this.#roster = roster;
    this.#byId = byId(roster);
    this.#watched = watched(roster);
  }

  get targets(): readonly Target[] {
    return this.#roster.targets;
  }

  get checks(): readonly CheckSpec[] {
    return this.#roster.checks;
  }

  get startupGrace(): ReadonlyMap<TargetId, Ms> {
    return this.#roster.startupGrace;
  }

  /** The site is one too; null: there is none of that name (any more). */
  target(id: TargetId): Target | null {
    return id === SITE ? SHARED : (this.#byId.get(id) ?? null);
  }

  looksAt(check: string, target: TargetId): boolean {
    return this.#watched.get(check)?.has(target) ?? false;
  }

  take(next: Roster): RosterChange {
    const change = rosterChange(this.#roster, next);
    this.#roster = next;
    this.#byId = byId(next);
    this.#watched = watched(next);
    return change;
  }
}

function byId({ targets }: Roster): ReadonlyMap<TargetId, Target> {
  return new Map(targets.map((target) => [target.id, target]));
}

function watched({ checks }: Roster): ReadonlyMap<string, ReadonlySet<TargetId>> {
  return new Map(checks.map((check) => [check.name, new Set(check.targets)]));
}
