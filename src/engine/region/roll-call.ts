/**
 * Asks every observer once a minute, whether or not anything is wrong, what it would be asked in an incident. A round goes
 * on beside the looks; the first begins at a moment of its own, so that daemons that started together do not ask together.
 */
import { callRoll, newRoll, observersBut, ROLL_EVERY, type Roll } from "../../core/region/roll.ts";
import type { RegionName, RegionPlan } from "../../core/region/region.ts";
import { ASK_DEADLINE } from "../../core/region/vote.ts";
import type { Instant } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import type { RegionEyes } from "../../ports/region-eyes.ts";
import { askAll } from "./asking.ts";
import { orElse } from "./in-time.ts";
import type { RegionTeller } from "./region-told.ts";

export type RollCallParts = {
  readonly plan: RegionPlan;
  readonly me: RegionName;
  readonly eyes: RegionEyes;
  readonly clock: Clock;
  readonly random: Random;
  readonly teller: RegionTeller;
};

export class RollCall {
  readonly #parts: RollCallParts;
  #roll: Roll;
  #nextAt: Instant;

  constructor(parts: RollCallParts) {
    this.#parts = parts;
    this.#roll = newRoll(parts.plan, parts.me);
    this.#nextAt = parts.clock.now() + Math.floor(parts.random.next() * ROLL_EVERY);
  }

  roll(): Roll {
    return this.#roll;
  }

  /** Begins a round where one is due, and does not wait for it. @param about the region that buyers are led to; null: not known. */
  start(about: RegionName | null, signal: AbortSignal): void {
    const now = this.#parts.clock.now();
    if (now < this.#nextAt) return;
    this.#nextAt = now + ROLL_EVERY;
    void this.#round(about, signal);
  }

  /** Never rejects. */
  async #round(about: RegionName | null, signal: AbortSignal): Promise<void> {
    const { plan, me, eyes, clock, random, teller } = this.#parts;
    const ballot = { nonce: random.id(), about: plan.regions.map(({ name }) => name) };
    const [replies, online] = await Promise.all([
      askAll(eyes, clock, observersBut(plan, me), ballot, signal),
      orElse<boolean | null>(clock, ASK_DEADLINE, signal, (own) => eyes.online(own), () => false),
    ]);
    if (signal.aborted) return;
    const now = clock.now();
    this.#roll = callRoll(this.#roll, plan, me, about, replies, online, now);
    teller.called(this.#roll, plan, now);
  }
}
