/** Many simulated incidents, summed up. */
import { formatDuration, type Ms } from "../../core/time.ts";
import type { SimulatedIncident } from "./simulate-incident.ts";

export type IncidentTally = {
  readonly incidents: number;
  /** Incidents in which a promise was broken. */
  readonly broken: number;
  /** Of them, the first. At most 20. */
  readonly violations: readonly string[];
  readonly flips: number;
  readonly failbacks: number;
  readonly manual: number;
  readonly repairs: number;
  readonly lateWrites: number;
  readonly holds: number;
  readonly decisions: number;
  /** Losses with a fit target and most observers connected, and the longest that one of them lasted. */
  readonly promised: number;
  readonly slowestMs: Ms;
  /** People called for too few observers, and how often a leader was seen to show a silence of over a minute. */
  readonly observerPages: number;
  readonly silencesShown: number;
  /** Reasons to hold that were met, sorted. */
  readonly codes: readonly string[];
};

export function startTally(): IncidentTally {
  return { incidents: 0, broken: 0, violations: [], flips: 0, failbacks: 0, manual: 0, repairs: 0, lateWrites: 0, holds: 0, decisions: 0, promised: 0, slowestMs: 0, observerPages: 0, silencesShown: 0, codes: [] };
}

export function addTally(tally: IncidentTally, { violations, stats }: SimulatedIncident): IncidentTally {
  return {
    incidents: tally.incidents + 1,
    broken: tally.broken + (violations.length > 0 ? 1 : 0),
    violations: [...tally.violations, ...violations].slice(0, 20),
    flips: tally.flips + stats.flips,
    failbacks: tally.failbacks + stats.failbacks,
    manual: tally.manual + stats.manual,
    repairs: tally.repairs + stats.repairs,
    lateWrites: tally.lateWrites + stats.lateWrites,
    holds: tally.holds + stats.holds,
    decisions: tally.decisions + stats.steps,
    promised: tally.promised + stats.promised,
    slowestMs: Math.max(tally.slowestMs, stats.slowestMs),
    observerPages: tally.observerPages + stats.observerPages,
    silencesShown: tally.silencesShown + stats.silencesShown,
    codes: [...new Set([...tally.codes, ...stats.codes])].toSorted(),
  };
}

export function tallyText(tally: IncidentTally): string {
  const { incidents, broken, flips, failbacks, manual, repairs, lateWrites, holds, decisions, promised, slowestMs, observerPages } = tally;
  const head = `${incidents} incidents, ${broken} with a broken promise`;
  return `${head}: ${decisions} decisions, ${flips} flips, ${failbacks} failbacks, ${manual} by order, ${holds} holds, ${lateWrites} late writes, ${repairs} repairs; ${promised} losses that had to be left within 15s, the slowest in ${formatDuration(slowestMs)}; ${observerPages} calls for too few observers`;
}
