/**
 * One daemon of a region, or a witness: the real loops, on a clock that is wrong, over ways that may be cut.
 */
import type { OutsideSight } from "../../core/region/outside.ts";
import type { RegionReport } from "../../core/region/report.ts";
import type { Reply, Vote } from "../../core/region/vote.ts";
import type { Alert } from "../../core/alert.ts";
import type { Ms } from "../../core/time.ts";
import { createLead, type Lead } from "../../engine/lead.ts";
import { RegionLoop } from "../../engine/region/region-loop.ts";
import type { RegionEvent } from "../../engine/region/region-told.ts";
import { RegionWatch } from "../../engine/region/watch.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { Random } from "../../ports/random.ts";
import type { RegionEyes } from "../../ports/region-eyes.ts";
import type { Script } from "./script.ts";
import type { RegionStores } from "./region-stores.ts";
import type { SimulatedProvider } from "./simulated-provider.ts";
import type { Truth } from "./truth.ts";

/** Who answers for a place, now. */
export type Directory = {
  /** The region's leading daemon, else any that lives; null: none. */
  readonly report: (region: string) => RegionReport | null;
  readonly vote: (observer: string, ballot: { readonly nonce: string; readonly about: readonly string[] }) => readonly Vote[] | null;
};

export type Surroundings = {
  readonly script: Script;
  readonly clock: Clock;
  readonly random: Random;
  readonly truth: Truth;
  readonly provider: SimulatedProvider;
  readonly directory: Directory;
  /** One look has ended, as it would count. */
  readonly looked: (observer: string, region: string, sight: OutsideSight) => void;
};

/** The same passing of time, counted from another instant. */
export function skewed(clock: Clock, by: Ms): Clock {
  return { now: () => clock.now() + by, wall: () => clock.wall() + by, after: clock.after };
}

export function eyesOf(observer: string, { truth, clock, directory, looked }: Surroundings): RegionEyes {
  /** Over a way that is cut nothing comes back, and the asker's deadline ends it. */
  const over = async <T>(to: string, answer: () => T): Promise<T> => {
    if (!truth.connected(observer, to)) return new Promise<never>(() => {});
    await new Promise<void>((resolve) => void clock.after(truth.latency(observer, to), resolve));
    return truth.connected(observer, to) ? answer() : new Promise<never>(() => {});
  };
  return {
    look: async (region, signal) => {
      // As it began: what was asked of the reference hosts in that moment is what counts.
      const blind = truth.isBlind(observer);
      const ended = (sight: OutsideSight): void => {
        signal.removeEventListener("abort", late);
        looked(observer, region, blind && sight.kind === "failed" ? { kind: "unknown", detail: "no network here" } : sight);
      };
      const late = (): void => ended({ kind: "failed", detail: "no answer" });
      signal.addEventListener("abort", late, { once: true });
      const sight = await over(region, () => truth.origin(region, observer));
      if (!signal.aborted) ended(sight);
      return sight;
    },
    online: async () => {
      if (truth.isBlind(observer)) return new Promise<never>(() => {});
      await new Promise<void>((resolve) => void clock.after(20, resolve));
      return !truth.isBlind(observer);
    },
    report: (region) => over(region, () => directory.report(region)),
    ask: (other, ballot) =>
      over<Reply>(other, () => {
        const votes = directory.vote(other, ballot);
        return votes === null ? { kind: "silent", why: "refused" } : { kind: "votes", votes };
      }),
  };
}

const NO_LEDGER: Ledger = {
  append: async (entry) => ({ ...entry, seq: 0, count: 1, lastAt: entry.at }),
  query: async () => [],
  observe: () => {},
  observations: async () => [],
  close: async () => {},
};

export class SimulatedWitness {
  readonly #watch: RegionWatch;
  readonly #stopping = new AbortController();

  constructor(name: string, skewMs: Ms, around: Surroundings) {
    const clock = skewed(around.clock, skewMs);
    this.#watch = new RegionWatch({ observer: name, plan: around.script.plan, eyes: eyesOf(name, around), clock });
    pace(around, this.#stopping.signal, () => this.#watch.step(this.#stopping.signal));
  }

  answer(ballot: { readonly nonce: string; readonly about: readonly string[] }): readonly Vote[] {
    return this.#watch.answer(ballot);
  }

  kill(): void {
    this.#stopping.abort();
  }
}

export type DaemonParts = {
  readonly region: string;
  /** Of the pair, and how often it was started: no two lives have one name. */
  readonly name: string;
  readonly skewMs: Ms;
  readonly stores: RegionStores;
  readonly leaseCut: () => boolean;
  readonly told: (event: RegionEvent) => void;
  readonly alerted: (alert: Alert) => void;
};

export class SimulatedDaemon {
  readonly #stopping = new AbortController();
  readonly #lead: Lead;
  readonly #name: string;
  #terms = 0;
  readonly loop: RegionLoop;

  constructor({ region, name, skewMs, stores, leaseCut, told, alerted }: DaemonParts, around: Surroundings) {
    const clock = skewed(around.clock, skewMs);
    const { signal } = this.#stopping;
    const { script, random, truth, provider } = around;
    const eyes = eyesOf(region, around);
    this.#name = name;
    this.#lead = createLead({
      lease: stores.leaseFor(() => !signal.aborted && !leaseCut()),
      clock,
      me: name,
      won: ({ epoch }) => {
        this.#terms += 1;
        this.loop.begin(stores.storeFor(epoch, signal));
      },
      lost: () => this.loop.end(),
      troubled: () => {},
    });
    this.loop = new RegionLoop({
      plan: script.plan, me: region, eyes, watch: new RegionWatch({ observer: region, plan: script.plan, eyes, clock }), traffic: provider.trafficFor(region), clock, random, mayAct: () => this.#lead.mayAct(), onlyRecords: () => null,
      outbox: { enqueue: async (_, alert) => alerted(alert) }, alertRoute: "on_call", runbooks: "docs/runbooks", ledger: NO_LEDGER, own: () => truth.own(region),
      told: (event) => {
        if (!signal.aborted) told(event);
      },
    });
    this.#lead.start();
    pace(around, signal, () => this.loop.step(signal));
  }

  leads(): boolean {
    return this.loop.leads() && this.#lead.mayAct();
  }

  /** Another text for each leadership. */
  term(): string {
    return `${this.#name}, term ${this.#terms}`;
  }

  /** At once, giving nothing back; what it has sent is on its way. */
  kill(): void {
    this.#stopping.abort();
    this.loop.end();
    void this.#lead.stop();
  }

  get signal(): AbortSignal {
    return this.#stopping.signal;
  }
}

/** Calls every two seconds, from a moment of its own on. */
function pace({ clock, random, script }: Surroundings, signal: AbortSignal, step: () => Promise<unknown>): void {
  const every = script.plan.rules.lookEvery;
  const tick = (): void => {
    if (signal.aborted) return;
    void step();
    clock.after(every, tick);
  };
  clock.after(Math.floor(random.next() * 20) * (every / 20), tick);
}
