/**
 * The last looks of one check at one target: what sustained and error-rate
 * triggers are judged by. A look that broke (`unknown`) is kept as a gap.
 */
import type { CheckSpec } from "./check.ts";
import type { Level, Observation } from "./observation.ts";
import type { Trigger } from "./policy.ts";
import type { Instant, Ms } from "./time.ts";

export type LookSample = {
  readonly at: Instant;
  readonly level: Level;
  /** Only the facts that are kept. */
  readonly facts: Readonly<Record<string, number>>;
};

/** How much of a check's looks is kept. */
export type Memory = {
  /** Most looks kept; at least 1. */
  readonly looks: number;
  /** Older ones are forgotten. */
  readonly forMs: Ms;
  /** Names of the facts that triggers ask for. */
  readonly facts: readonly string[];
};

/** Error rates are taken over the last minute of looks. */
export const ERROR_RATE_WINDOW_MS: Ms = 60_000;

/** Most looks kept of one check at one target, whatever its triggers ask for. */
export const MAX_SAMPLES = 2_000;

/** How much of a check's looks must be remembered so that these triggers can be judged; null when none of them asks. */
export function memoryFor(triggers: readonly Trigger[], spec: CheckSpec): Memory | null {
  const facts = new Set<string>();
  let forMs = 0;
  for (const leaf of triggers.flatMap(leaves)) {
    if (leaf.kind === "error_rate" && leaf.check === spec.name) forMs = Math.max(forMs, ERROR_RATE_WINDOW_MS);
    if (leaf.kind !== "sustained") continue;
    facts.add(leaf.metric);
    forMs = Math.max(forMs, leaf.forMs);
  }
  if (forMs === 0) return null;
  const fastest = Math.max(1_000, Math.min(spec.cadence.interval, spec.cadence.fast, spec.cadence.down));
  return { looks: Math.min(MAX_SAMPLES, Math.ceil(forMs / fastest) + 1), forMs, facts: [...facts] };
}

/** Adds one look and forgets what the memory does not hold. Oldest first. In place, because a copy at each look would be made of the whole window. */
export function addSample(samples: LookSample[], seen: Observation, memory: Memory): void {
  const after = seen.at - memory.forMs;
  samples.push({ at: seen.at, level: seen.kind, facts: factsOf(seen, memory.facts) });
  while (samples.length > memory.looks || (samples[0]?.at ?? Infinity) <= after) samples.shift();
}

function factsOf(seen: Observation, names: readonly string[]): Readonly<Record<string, number>> {
  const facts: Record<string, number> = {};
  if (seen.kind === "unknown") return facts;
  for (const name of names) {
    const value = seen.facts[name];
    if (value !== undefined) facts[name] = value;
  }
  return facts;
}

/** The conditions a trigger is made of. */
export function leaves(trigger: Trigger): readonly Trigger[] {
  if (trigger.kind === "and") return trigger.all.flatMap(leaves);
  if (trigger.kind === "or") return trigger.any.flatMap(leaves);
  return [trigger];
}
