/**
 * Usage as percentages. Memory is a level; CPU is a rate, so it takes two looks:
 * the first one measures nothing.
 */
import type { Measured } from "../core/assertion.ts";
import type { TargetId } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Look } from "../ports/probe.ts";
import type { Usage } from "../ports/processes.ts";
import type { TargetUsage, TargetUsageAnswer } from "../ports/target-usage.ts";

/** Targets remembered at most; the one not seen longest is forgotten. */
const MAX_TARGETS = 10_000;

export class UsageRates {
  readonly #last = new Map<TargetId, { readonly at: Instant; readonly cpuMs: Ms }>();

  /**
   * CPU since this target's last look, in percent of the CPUs it may use.
   * `missing` at the first look, and after a restart, which begins the count anew.
   */
  cpu(target: TargetId, usage: Usage, at: Instant): Measured {
    const last = this.#last.get(target);
    this.#remember(target, { at, cpuMs: usage.cpuMs });
    if (last === undefined || at <= last.at) return { kind: "missing", why: "needs a second look", source: usage.source };
    if (usage.cpuMs < last.cpuMs) return { kind: "missing", why: "restarted since the last look", source: usage.source };
    const value = ((usage.cpuMs - last.cpuMs) / (at - last.at) / usage.cpus) * 100;
    return { kind: "number", value, dimension: "percent", source: usage.source };
  }

  #remember(target: TargetId, seen: { readonly at: Instant; readonly cpuMs: Ms }): void {
    this.#last.delete(target);
    const oldest = this.#last.size >= MAX_TARGETS ? this.#last.keys().next().value : undefined;
    if (oldest !== undefined) this.#last.delete(oldest);
    this.#last.set(target, seen);
  }
}

/** A target's usage within the look's deadline; beyond it, nothing was measured. */
export function readWithin(usage: TargetUsage, clock: Clock, look: Look): Promise<TargetUsageAnswer> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(look.deadlineMs, () => resolve({ kind: "none", detail: `not measured within ${look.deadlineMs} ms` }));
    usage.read(look.target.id).then(resolve, reject).finally(cancel);
  });
}

/** Memory in percent of the limit that applies. */
export function memory(usage: Usage): Measured {
  if (!(usage.memoryLimitBytes > 0)) return { kind: "missing", why: "no memory limit is known", source: usage.source };
  return { kind: "number", value: (usage.rssBytes / usage.memoryLimitBytes) * 100, dimension: "percent", source: usage.source };
}

/** Measured numbers as facts, for sustained triggers; what is missing is left out. */
export function factsOf(measured: Readonly<Record<string, Measured>>): Readonly<Record<string, number>> {
  const facts: Record<string, number> = {};
  for (const name in measured) {
    const one = measured[name];
    if (one?.kind === "number") facts[name] = Math.round(one.value * 100) / 100;
  }
  return facts;
}
