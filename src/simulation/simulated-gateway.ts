/**
 * The gateway as the engine knows it: breakers that can be held, and what a small
 * stream of buyers sees of each target. It serves nobody.
 */
import type { BreakerHold, BreakerName, BreakerView } from "../core/breaker.ts";
import { BREAKER_NAMES } from "../core/breaker.ts";
import type { Evidence } from "../core/evidence.ts";
import type { TargetId } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { BreakerControl } from "../ports/breaker-control.ts";
import type { Clock } from "../ports/clock.ts";
import type { World } from "./world.ts";

const EVERY_MS: Ms = 1_000;
const WINDOW_MS: Ms = 10_000;
/** A page that does not begin to come is given up after this. */
const FIRST_BYTE_MS: Ms = 5_000;
/** Copies a target's gateway has once a page came through. */
const COPIES = 24;

export class SimulatedBreakers implements BreakerControl {
  readonly #clock: Clock;
  readonly #changed: (view: BreakerView, why: string) => void;
  readonly #views = new Map<BreakerName, BreakerView>();

  constructor(clock: Clock, changed: (view: BreakerView, why: string) => void) {
    this.#clock = clock;
    this.#changed = changed;
    for (const name of BREAKER_NAMES) this.#views.set(name, { name, effective: "closed", own: "closed", since: clock.now(), hold: null });
  }

  async hold(hold: BreakerHold): Promise<void> {
    const now = this.#clock.now();
    this.#move(hold.breaker, { effective: hold.position, hold }, `held by ${hold.by}: ${hold.why}`);
    this.#clock.after(hold.until - now, () => {
      // A newer hold has its own end.
      if (this.#views.get(hold.breaker)?.hold === hold) this.#move(hold.breaker, { effective: "closed", hold: null }, "the hold is over");
    });
  }

  async release(breaker: BreakerName, by: string): Promise<void> {
    if (this.#views.get(breaker)?.hold !== null) this.#move(breaker, { effective: "closed", hold: null }, `released by ${by}`);
  }

  views(): readonly BreakerView[] {
    return [...this.#views.values()];
  }

  #move(name: BreakerName, to: Pick<BreakerView, "effective" | "hold">, why: string): void {
    const view: BreakerView = { name, own: "closed", since: this.#clock.now(), ...to };
    this.#views.set(name, view);
    this.#changed(view, why);
  }
}

type Seen = { readonly at: Instant; readonly good: boolean };

export class Buyers {
  readonly #world: World;
  readonly #clock: Clock;
  readonly #trouble: (target: TargetId, cause: string) => void;
  readonly #seen = new Map<TargetId, readonly Seen[]>();
  readonly #lastGoodAt = new Map<TargetId, Instant>();
  readonly #lastFailedAt = new Map<TargetId, Instant>();

  constructor(world: World, clock: Clock, trouble: (target: TargetId, cause: string) => void) {
    this.#world = world;
    this.#clock = clock;
    this.#trouble = trouble;
  }

  /** They come for as long as the clock runs. */
  begin(): void {
    this.#clock.after(EVERY_MS, () => {
      for (const target of this.#world.targets()) this.#ask(target);
      this.begin();
    });
  }

  evidence(target: TargetId): Evidence {
    const seen = this.#seen.get(target) ?? [];
    const succeeded = seen.filter((one) => one.good).length;
    const lastGoodAt = this.#lastGoodAt.get(target) ?? null;
    return {
      lastGoodAt, lastFailedAt: this.#lastFailedAt.get(target) ?? null, succeeded, failed: seen.length - succeeded,
      inFlight: 0, oldestInFlightMs: 0, copies: lastGoodAt === null ? 0 : COPIES,
    };
  }

  #ask(target: TargetId): void {
    const reply = this.#world.page(target);
    switch (reply.kind) {
      case "answer":
        return reply.status < 500 && reply.afterMs < FIRST_BYTE_MS ? this.#note(target, true, "") : this.#note(target, false, reply.status < 500 ? "deadline" : String(reply.status));
      case "refused":
      case "no_network":
        return this.#note(target, false, "connect");
      case "silent":
        this.#clock.after(FIRST_BYTE_MS, () => this.#note(target, false, "deadline"));
    }
  }

  #note(target: TargetId, good: boolean, cause: string): void {
    const at = this.#clock.now();
    const kept = (this.#seen.get(target) ?? []).filter((one) => one.at > at - WINDOW_MS);
    this.#seen.set(target, [...kept, { at, good }]);
    (good ? this.#lastGoodAt : this.#lastFailedAt).set(target, at);
    if (!good) this.#trouble(target, cause);
  }
}
