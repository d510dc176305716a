/**
 * When the next recovery step comes. A step looks at everything, so with thousands of
 * looks its cost, not the looks, would decide what watching costs: steps keep to a share
 * of the thread, and a look that brings no news does not ask for one of its own.
 */
import type { CheckSpec } from "../core/check.ts";
import type { CheckState } from "../core/check-state.ts";
import { leaves } from "../core/look-window.ts";
import type { Observation } from "../core/observation.ts";
import type { PolicySpec } from "../core/policy.ts";
import type { LookKey } from "../core/target.ts";
import { splitLookKey } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";

/** A step follows a look without news within this time: only housekeeping waits for it; what time alone changes is planned apart. */
export const QUIET_STEP_MS: Ms = 30_000;
/** Within this time where the look may fire a trigger though it passed (a figure above its bound), or end one that fires. */
export const MURMUR_STEP_MS: Ms = 1_000;
/** Within this time where a trigger asks for a region, which no look of this engine shows. */
export const REGION_STEP_MS: Ms = 5_000;
/** Rest after a step, in times of what it computed: about a tenth of the thread at most. */
const REST_FACTOR = 20;
/** However long a step took, the next one may come after this. */
const MAX_REST_MS: Ms = 1_000;

/** One more pass of a look that was well before: no verdict, run or hold can have changed by it. */
export function isQuiet(key: LookKey, seen: Observation, specs: readonly CheckSpec[], states: ReadonlyMap<LookKey, CheckState>): boolean {
  if (seen.kind !== "pass") return false;
  const state = states.get(key);
  const { check } = splitLookKey(key);
  const rise = specs.find((spec) => spec.name === check)?.thresholds.rise ?? Number.POSITIVE_INFINITY;
  return state !== undefined && state.verdict === "healthy" && state.passing.count > rise;
}

/**
 * Makes the question how soon a step follows a quiet look.
 *
 * @returns given the look, and whether a trigger fired at the last step.
 */
export function quietWait(policies: readonly PolicySpec[]): (seen: Observation, firing: boolean) => Ms {
  const bounds = new Map<string, number>();
  // A failover is not decided here.
  const all = policies.filter(({ action }) => action !== "failover_dns").flatMap((policy) => leaves(policy.trigger));
  const calm = all.some(({ kind }) => kind === "region") ? REGION_STEP_MS : QUIET_STEP_MS;
  for (const leaf of all) {
    if (leaf.kind === "sustained") bounds.set(leaf.metric, Math.min(leaf.over, bounds.get(leaf.metric) ?? Infinity));
  }
  return (seen, firing) => {
    if (firing) return MURMUR_STEP_MS;
    if (seen.kind !== "unknown") for (const [figure, bound] of bounds) if ((seen.facts[figure] ?? -Infinity) > bound) return MURMUR_STEP_MS;
    return calm;
  };
}

export class StepPace {
  readonly #clock: Clock;
  readonly #step: () => void;
  #spent: Ms = 0;
  #restUntil: Instant = Number.NEGATIVE_INFINITY;
  #planned: { readonly at: Instant; readonly cancel: () => void } | null = null;

  /** @param step called when a planned step is due. */
  constructor(clock: Clock, step: () => void) {
    this.#clock = clock;
    this.#step = step;
  }

  /** Runs a part of a step that computes, and counts its time. */
  computing<T>(part: () => T): T {
    const from = this.#clock.now();
    const result = part();
    this.#spent += this.#clock.now() - from;
    return result;
  }

  /** A step begins: one planned for later is this one. */
  begin(): void {
    this.cancel();
    this.#spent = 0;
  }

  end(): void {
    this.#restUntil = this.#clock.now() + Math.min(MAX_REST_MS, this.#spent * REST_FACTOR);
  }

  /** How long the next step has to wait; 0: not at all. */
  rest(): Ms {
    return Math.max(0, this.#restUntil - this.#clock.now());
  }

  /** Plans a step within `delay`; an earlier plan stands. */
  within(delay: Ms): void {
    const at = this.#clock.now() + delay;
    if (this.#planned !== null && this.#planned.at <= at) return;
    this.#planned?.cancel();
    const cancel = this.#clock.after(delay, () => {
      this.#planned = null;
      this.#step();
    });
    this.#planned = { at, cancel };
  }

  cancel(): void {
    this.#planned?.cancel();
    this.#planned = null;
  }
}
