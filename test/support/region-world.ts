/** Fakes of the ports that the region loop looks and acts through, each told what to do by the test. */
import { createMemoryStateStore } from "../../src/adapters/memory-state-store.ts";
import type { Alert } from "../../src/core/alert.ts";
import type { NewLedgerEntry } from "../../src/core/ledger-entry.ts";
import type { OwnState } from "../../src/core/region/fitness.ts";
import type { OutsideSight } from "../../src/core/region/outside.ts";
import type { RegionReport } from "../../src/core/region/report.ts";
import type { Reply, Vote } from "../../src/core/region/vote.ts";
import { RegionLoop, type RegionLoopParts } from "../../src/engine/region/region-loop.ts";
import type { RegionEvent } from "../../src/engine/region/region-told.ts";
import { RegionWatch } from "../../src/engine/region/watch.ts";
import type { RegionEyes } from "../../src/ports/region-eyes.ts";
import type { Stored } from "../../src/ports/state-store.ts";
import type { SwitchOrder, SwitchOutcome, Traffic, TrafficEntry } from "../../src/ports/traffic.ts";
import { seededRandom } from "../../src/simulation/seeded-random.ts";
import { ManualClock } from "./manual-clock.ts";
import { PLAN, WELL } from "./region-scene.ts";

export class FakeEyes implements RegionEyes {
  readonly sights = new Map<string, OutsideSight | "never">();
  readonly reports = new Map<string, RegionReport | null>();
  readonly says = new Map<string, Vote["says"] | "never">();
  reached: boolean | null | "never" = true;
  asked = 0;

  async look(region: string): Promise<OutsideSight> {
    const sight = this.sights.get(region) ?? { kind: "answered", by: "application" };
    return sight === "never" ? new Promise(() => {}) : sight;
  }

  async online(): Promise<boolean | null> {
    return this.reached === "never" ? new Promise(() => {}) : this.reached;
  }

  async report(region: string): Promise<RegionReport | null> {
    return this.reports.get(region) ?? null;
  }

  async ask(observer: string, { nonce, about }: { readonly nonce: string; readonly about: readonly string[] }): Promise<Reply> {
    this.asked += 1;
    const says = this.says.get(observer);
    if (says === undefined) return { kind: "silent", why: "refused" };
    return says === "never" ? new Promise(() => {}) : { kind: "votes", votes: about.map((region) => ({ nonce, observer, about: region, says, copiesForMs: 0, vetoed: false })) };
  }
}

/** What a call of `switch` does instead of working. */
export type Switching = (order: SwitchOrder, write: () => TrafficEntry) => Promise<SwitchOutcome>;

export class FakeTraffic implements Traffic {
  readonly kind = "fake";
  readonly fencesLateWrites = false;
  entries: readonly TrafficEntry[] = [fakeEntry("eu", 1)];
  next: Switching | null = null;
  readError: Error | null = null;
  reads = 0;
  readonly orders: SwitchOrder[] = [];

  async read(): Promise<readonly TrafficEntry[]> {
    this.reads += 1;
    if (this.readError !== null) throw this.readError;
    return this.entries;
  }

  async switch(order: SwitchOrder): Promise<SwitchOutcome> {
    this.orders.push(order);
    const write = (): TrafficEntry => this.put(order.entry.name, order.to, order.mark.epoch);
    const { next } = this;
    if (next !== null) return next(order, write);
    const found = this.entries.find((one) => one.name === order.entry.name) ?? order.entry;
    return found.version === order.entry.version ? { kind: "switched", entry: write() } : { kind: "moved", found };
  }

  /** Writes as anybody would. */
  put(name: string, leadsTo: string, epoch: number): TrafficEntry {
    const entry = fakeEntry(leadsTo, epoch, name, String(this.orders.length + this.reads + 100));
    this.entries = this.entries.map((one) => (one.name === name ? entry : one));
    return entry;
  }

  calls({ entry, to }: SwitchOrder) {
    return [{ method: "PATCH", url: `https://dns.example/${entry.name}`, body: to }];
  }

  adopt = (): Promise<SwitchOutcome> => Promise.reject(new Error("not here"));
  proveRights = () => Promise.resolve({ ok: true, findings: [] });
  close = (): Promise<void> => Promise.resolve();
}

export function fakeEntry(leadsTo: string, epoch: number, name = "shop.example A", version = "1"): TrafficEntry {
  return { name, leadsTo, value: leadsTo, staleForMs: 0, mark: { site: "shop", region: leadsTo, epoch, flippedAt: 0 }, foreign: null, version };
}

export type RegionWorld = {
  readonly clock: ManualClock;
  readonly eyes: FakeEyes;
  readonly traffic: FakeTraffic;
  readonly rows: Map<string, Stored>;
  readonly events: RegionEvent[];
  readonly alerts: Alert[];
  readonly ledger: NewLedgerEntry[];
  readonly fence: { leads: boolean };
  own: OwnState;
  loop: RegionLoop;
  /** So many rounds, two seconds apart, each with all that follows from it. */
  rounds(count: number): Promise<void>;
  /** Another daemon of the region, with its own clock, takes the lead over the same state. */
  succeed(clock?: ManualClock, over?: Partial<RegionLoopParts>): void;
  /** What ended, as "flip to us, epoch 2: done". */
  ended(): readonly string[];
};

/** The leader of `us`, where buyers are led to `eu` and all is well. */
export function regionWorld(over: Partial<RegionLoopParts> = {}): RegionWorld {
  const eyes = new FakeEyes();
  const traffic = new FakeTraffic();
  const rows = new Map<string, Stored>();
  const events: RegionEvent[] = [];
  const alerts: Alert[] = [];
  const ledger: NewLedgerEntry[] = [];
  const fence = { leads: true };
  let clock = new ManualClock();
  const made = (later: Partial<RegionLoopParts> = {}): RegionLoop =>
    new RegionLoop({
      plan: PLAN, me: "us", eyes, watch: new RegionWatch({ observer: "us", plan: PLAN, eyes, clock }), traffic, clock, random: seededRandom(1), onlyRecords: () => null, mayAct: () => fence.leads, alertRoute: "on_call", runbooks: "docs/runbooks",
      outbox: { enqueue: async (_, alert) => void alerts.push(alert) },
      ledger: { append: async (entry) => (ledger.push(entry), { ...entry, seq: 1, count: 1, lastAt: 0 }), query: async () => [], observe: () => {}, observations: async () => [], close: async () => {} },
      own: () => world.own, told: (event) => void events.push(event), ...over, ...later,
    });
  for (const name of ["eu", "ap"]) eyes.reports.set(name, { ...WELL, region: name, outside: "up", mark: null });
  for (const name of ["ap", "w1"]) eyes.says.set(name, "up");
  const world: RegionWorld = {
    get clock() {
      return clock;
    },
    eyes, traffic, rows, events, alerts, ledger, fence,
    own: WELL,
    get loop() {
      return loop;
    },
    rounds: async (count) => {
      for (let at = 0; at < count; at += 1) {
        void loop.step(new AbortController().signal);
        await clock.advance(2_000);
      }
    },
    succeed: (other = clock, later = {}) => {
      clock = other;
      loop = made(later);
      loop.begin(createMemoryStateStore(rows));
    },
    ended: () => events.flatMap((event) => (event.kind === "ended" ? [`${event.intent.kind} to ${event.intent.to}, epoch ${event.intent.epoch}: ${event.outcome}`] : [])),
  };
  let loop = made();
  loop.begin(createMemoryStateStore(rows));
  return world;
}

/** The region `eu` is gone for everybody. */
export function loseEu({ eyes }: Pick<RegionWorld, "eyes">): void {
  eyes.sights.set("eu", { kind: "failed", detail: "refused" });
  eyes.reports.set("eu", null);
  for (const name of ["ap", "w1"]) eyes.says.set(name, "down");
}
