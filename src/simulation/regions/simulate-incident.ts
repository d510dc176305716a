/**
 * One simulated incident: a seed writes the world and its faults, the real loops run in it in virtual time, and the
 * promises are checked at every event. The same seed gives the same transcript.
 */
import type { Alert } from "../../core/alert.ts";
import type { RegionDecision } from "../../core/region/scene.ts";
import type { Instant } from "../../core/time.ts";
import { textOf, type RegionEvent } from "../../engine/region/region-told.ts";
import { seededRandom } from "../seeded-random.ts";
import { formatOffset } from "../transcript.ts";
import { VirtualClock } from "../virtual-clock.ts";
import { Monitor, type Stats } from "./monitor.ts";
import { RollMonitor } from "./roll-monitor.ts";
import { RegionStores } from "./region-stores.ts";
import { writeScript, type Fault, type Script } from "./script.ts";
import { SimulatedDaemon, SimulatedWitness, type Surroundings } from "./simulated-daemon.ts";
import { SimulatedProvider } from "./simulated-provider.ts";
import { Truth } from "./truth.ts";

export type SimulatedIncident = {
  readonly seed: number;
  readonly transcript: readonly string[];
  /** Promises that were broken, each with its moment; empty: none. */
  readonly violations: readonly string[];
  readonly stats: Stats & { readonly observerPages: number; readonly silencesShown: number };
};

const START: Instant = 1_700_000_000_000;
const TICK_MS = 500;
const MAX_LINES = 2_000;

/** Rejects only where the simulation itself is broken. */
export async function simulateIncident(seed: number): Promise<SimulatedIncident> {
  const random = seededRandom(seed);
  return new Incident(writeScript(seed, random), random).run();
}

class Incident {
  readonly #script: Script;
  readonly #clock = new VirtualClock(START);
  readonly #truth: Truth;
  readonly #monitor: Monitor;
  readonly #rolls: RollMonitor;
  readonly #provider: SimulatedProvider;
  readonly #around: Surroundings;
  readonly #stores = new Map<string, RegionStores>();
  readonly #daemons = new Map<string, SimulatedDaemon>();
  readonly #witnesses = new Map<string, SimulatedWitness>();
  readonly #transcript: string[] = [];
  #lives = 0;

  constructor(script: Script, random: ReturnType<typeof seededRandom>) {
    this.#script = script;
    this.#truth = new Truth(script, this.#clock, random);
    this.#monitor = new Monitor(script, this.#truth, this.#clock, {
      leads: (region) => this.#leader(region)?.leads() === true,
      alive: (observer) => this.#isAlive(observer),
    });
    this.#rolls = new RollMonitor({
      script, truth: this.#truth, clock: this.#clock,
      term: (region) => this.#leader(region)?.term() ?? null,
      alive: (observer) => this.#isAlive(observer),
      shown: (region) => this.#leader(region)?.loop.view().observers ?? null,
      fail: (text) => this.#monitor.fail(text),
    });
    this.#provider = new SimulatedProvider(script, this.#truth, this.#clock, (write) => {
      this.#say("provider", `${write.entry} leads to ${write.to}, epoch ${write.epoch}${write.late ? ": a late write" : ""}`);
      this.#rolls.written();
      this.#checked(() => this.#monitor.written(write));
    });
    this.#around = {
      script, clock: this.#clock, random, truth: this.#truth, provider: this.#provider,
      directory: { report: (region) => this.#anyOf(region)?.loop.report() ?? null, vote: (observer, ballot) => this.#witnesses.get(observer)?.answer(ballot) ?? this.#anyOf(observer)?.loop.answer(ballot) ?? null },
      looked: (observer, region, sight) => this.#monitor.looked(observer, region, sight),
    };
  }

  async run(): Promise<SimulatedIncident> {
    const { plan, epoch, lengthMs, faults, orders, seed } = this.#script;
    const [first] = plan.regions;
    for (const { name } of plan.regions) {
      const stores = new RegionStores();
      // A site that has run for long: the last flip is past its block.
      if (epoch > 1) stores.seed("region/state", JSON.stringify({ memory: { region: first?.name, epoch, forMs: 7_200_000, found: false }, acknowledged: 0, incident: null, repairedAgoMs: [], intent: null, firing: {} }));
      this.#stores.set(name, stores);
      this.#startDaemon(name, 0);
      // A fellow that nothing can bring to lead would only be waited for.
      if (faults.some(({ fault }) => "daemon" in fault && fault.region === name)) this.#startDaemon(name, 1);
    }
    for (const name of plan.witnesses) this.#startWitness(name);
    for (const { at, until, fault } of faults) {
      this.#clock.after(at, () => this.#strike(fault));
      if (until < lengthMs) this.#clock.after(until, () => this.#mend(fault));
    }
    for (const order of orders) this.#clock.after(order.at, () => void this.#order(order.kind, order.region));
    this.#clock.after(TICK_MS, this.#tick);
    await this.#clock.runUntil(START + lengthMs);
    for (const one of [...this.#daemons.values(), ...this.#witnesses.values()]) one.kill();
    return { seed, transcript: this.#transcript, violations: this.#monitor.violations, stats: { ...this.#monitor.stats, observerPages: this.#rolls.pages, silencesShown: this.#rolls.shown } };
  }

  readonly #tick = (): void => {
    this.#checked(() => {
      this.#monitor.tick(this.#provider.entries());
      this.#rolls.tick();
    });
    this.#clock.after(TICK_MS, this.#tick);
  };

  #startDaemon(region: string, pair: number): void {
    const stores = this.#stores.get(region);
    if (stores === undefined) return;
    this.#lives += 1;
    const index = this.#script.plan.regions.findIndex((one) => one.name === region) * 2 + pair;
    const daemon: SimulatedDaemon = new SimulatedDaemon(
      {
        region, name: `${region}-${pair}#${this.#lives}`, skewMs: this.#script.skewMs[index] ?? 0, stores,
        leaseCut: () => this.#truth.has((fault) => fault.kind === "lease_cut" && fault.region === region && fault.daemon === pair),
        told: (event) => this.#told(region, pair, event),
        alerted: (alert) => this.#alerted(region, alert),
      },
      this.#around,
    );
    this.#daemons.set(`${region}/${pair}`, daemon);
  }

  #startWitness(name: string): void {
    const index = this.#script.plan.regions.length * 2 + this.#script.plan.witnesses.indexOf(name);
    this.#witnesses.set(name, new SimulatedWitness(name, this.#script.skewMs[index] ?? 0, this.#around));
  }

  #leader(region: string): SimulatedDaemon | null {
    return [0, 1].map((pair) => this.#daemons.get(`${region}/${pair}`)).find((daemon) => daemon?.leads() === true) ?? null;
  }

  #isAlive(observer: string): boolean {
    return this.#witnesses.has(observer) || this.#anyOf(observer) !== null;
  }

  #anyOf(region: string): SimulatedDaemon | null {
    return this.#leader(region) ?? this.#daemons.get(`${region}/0`) ?? this.#daemons.get(`${region}/1`) ?? null;
  }

  #strike(fault: Fault): void {
    this.#say("world", describeFault(fault));
    this.#truth.begin(fault);
    if (fault.kind === "killed") this.#kill(fault.region, fault.daemon);
    if (fault.kind === "witness_dead") {
      this.#witnesses.get(fault.witness)?.kill();
      this.#witnesses.delete(fault.witness);
    }
  }

  #mend(fault: Fault): void {
    this.#say("world", `over: ${describeFault(fault)}`);
    this.#truth.end(fault);
    if (fault.kind === "killed" && !this.#daemons.has(`${fault.region}/${fault.daemon}`)) this.#startDaemon(fault.region, fault.daemon);
    if (fault.kind === "witness_dead" && !this.#witnesses.has(fault.witness)) this.#startWitness(fault.witness);
  }

  #kill(region: string, pair: number): void {
    this.#daemons.get(`${region}/${pair}`)?.kill();
    this.#daemons.delete(`${region}/${pair}`);
  }

  async #order(kind: "failover" | "acknowledge", region: string): Promise<void> {
    this.#say("person", `${kind} ${region}`);
    const daemon = this.#leader(region);
    if (daemon === null) return;
    if (kind === "acknowledge") {
      this.#monitor.acknowledged();
      await daemon.loop.acknowledge(daemon.signal);
      return;
    }
    this.#monitor.ordered(region);
    const order = { id: "order", to: region, by: "ann" };
    // Judged as it is decided; the act itself may take its time.
    const shown = await daemon.loop.command(order, daemon.signal, true);
    if (shown?.decision.kind === "flip") this.#checked(() => this.#monitor.decided(region, shown.decision, false));
    const done = await daemon.loop.command(order, daemon.signal);
    if (done !== null) this.#say(region, `ordered: ${textOf(done.decision)}`);
  }

  #told(region: string, pair: number, event: RegionEvent): void {
    if (event.kind !== "decided") return this.#say(`${region}-${pair}`, describeEvent(event));
    const { decision, repeated } = event;
    if (!repeated) this.#say(`${region}-${pair}`, textOf(decision));
    this.#checked(() => this.#monitor.decided(region, decision, this.#seesDown(region, decision)));
  }

  #seesDown(region: string, decision: RegionDecision): boolean {
    if (decision.kind !== "stay") return false;
    const led = this.#provider.entries()[0]?.leadsTo;
    const daemon = this.#leader(region);
    if (led === undefined || led === null || led === region || daemon === null) return false;
    const known = daemon.loop.report().mark?.region === led;
    return known && daemon.loop.answer({ nonce: "", about: [led] }).some((vote) => vote.says === "down");
  }

  #alerted(region: string, alert: Alert): void {
    this.#say(region, `${alert.severity} ${alert.state}: ${alert.reason}`);
    this.#checked(() => this.#rolls.alerted(region, alert));
  }

  /** Promises are judged by what is so at this very moment, and a broken one says when. */
  #checked(check: () => void): void {
    const before = this.#monitor.violations.length;
    check();
    for (let at = before; at < this.#monitor.violations.length; at += 1) {
      const text = `${formatOffset(this.#clock.now() - START)} seed ${this.#script.seed}: ${this.#monitor.violations[at]}`;
      this.#monitor.violations[at] = text;
      this.#say("BROKEN", text);
    }
  }

  #say(who: string, what: string): void {
    if (this.#transcript.length < MAX_LINES) this.#transcript.push(`${formatOffset(this.#clock.now() - START)} ${who.padEnd(8)} ${what}`);
  }
}

function describeEvent(event: Exclude<RegionEvent, { readonly kind: "decided" }>): string {
  switch (event.kind) {
    case "intended":
      return `intends ${event.intent.kind} to ${event.intent.to}, epoch ${event.intent.epoch}`;
    case "ended":
      return `${event.intent.kind} to ${event.intent.to}, epoch ${event.intent.epoch}: ${event.outcome}: ${event.text}`;
    case "stands":
    case "called":
      return event.text;
    case "troubled":
      return `trouble (${event.where}): ${event.detail}`;
  }
}

function describeFault(fault: Fault): string {
  const { kind, ...about } = fault;
  return `${kind} ${Object.values(about).join(" ")}`;
}
