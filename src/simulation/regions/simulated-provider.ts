/**
 * A DNS provider with everything that real ones do: it fails, hangs, asks to be left alone, says done and has not, has and
 * says nothing, and lets a writer pause between comparing and writing, which some of them refuse and some do not.
 */
import type { Ms } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";
import { TRAFFIC_DEADLINE_MS, TrafficError, type ProviderCall, type SwitchOrder, type SwitchOutcome, type Traffic, type TrafficEntry } from "../../ports/traffic.ts";
import type { Script } from "./script.ts";
import type { Truth } from "./truth.ts";

/** A write that changed what stands. `late`: something else had changed it since the writer compared. */
export type Written = { readonly entry: string; readonly from: string | null; readonly to: string; readonly epoch: number; readonly by: string; readonly late: boolean };

const PLACE = "provider";
const STEP_MS: Ms = 120;

export class SimulatedProvider {
  readonly #truth: Truth;
  readonly #clock: Clock;
  readonly #fences: boolean;
  readonly #written: (write: Written) => void;
  readonly #entries = new Map<string, TrafficEntry>();
  #versions = 0;

  constructor(script: Script, truth: Truth, clock: Clock, written: (write: Written) => void) {
    this.#truth = truth;
    this.#clock = clock;
    this.#fences = script.fencesLateWrites;
    this.#written = written;
    const first = script.plan.regions[0]?.name ?? "";
    for (let at = 0; at < script.entries; at += 1) this.#put(`shop.example ${at === 0 ? "A" : "AAAA"}`, first, { site: script.plan.site, region: first, epoch: script.epoch, flippedAt: 0 });
  }

  entries(): readonly TrafficEntry[] {
    return [...this.#entries.values()];
  }

  /** As one region's daemon reaches it. */
  trafficFor(region: string): Traffic {
    return {
      kind: "simulated",
      fencesLateWrites: this.#fences,
      read: (signal) => this.#read(region, signal),
      switch: (order, signal) => this.#switch(region, order, signal),
      calls: (order): readonly ProviderCall[] => [{ method: "PATCH", url: `https://dns.example/${order.entry.name}`, body: order.to }],
      adopt: () => Promise.reject(new TrafficError("INVALID", "nothing is handed over here")),
      proveRights: () => Promise.resolve({ ok: true, findings: [] }),
      close: () => Promise.resolve(),
    };
  }

  async #read(region: string, signal: AbortSignal): Promise<readonly TrafficEntry[]> {
    await this.#reach(region, signal);
    return this.entries();
  }

  async #switch(region: string, order: SwitchOrder, signal: AbortSignal): Promise<SwitchOutcome> {
    await this.#reach(region, signal);
    const before = this.#found(order.entry.name);
    if (before.version !== order.entry.version) return { kind: "moved", found: before };
    const pause = this.#truth.takePause(region);
    const end = this.#uncertainAt(TRAFFIC_DEADLINE_MS - 600);
    try {
      return await Promise.race([this.#writeAfter(pause, region, order, before.version), end.late]);
    } finally {
      end.cancel();
    }
  }

  async #writeAfter(pause: Ms, region: string, order: SwitchOrder, compared: string): Promise<SwitchOutcome> {
    await this.#wait(pause + STEP_MS);
    const { name } = order.entry;
    const standing = this.#found(name);
    // From here on the request is under way: who sent it may be dead by now.
    if (this.#fences && standing.version !== compared) return { kind: "moved", found: standing };
    const mode = this.#truth.providerMode();
    if (mode === "lies") return { kind: "switched", entry: { ...standing, leadsTo: order.to, mark: order.mark } };
    this.#put(name, order.to, order.mark);
    this.#written({ entry: name, from: standing.leadsTo, to: order.to, epoch: order.mark.epoch, by: region, late: standing.version !== compared });
    if (mode === "answer_lost" || !this.#truth.passes(PLACE, region)) throw new TrafficError("UNCERTAIN", "the answer to the write was lost");
    await this.#wait(STEP_MS);
    const found = this.#found(name);
    return found.leadsTo === order.to && found.mark?.epoch === order.mark.epoch ? { kind: "switched", entry: found } : { kind: "overwritten", found };
  }

  /** Way there and back; what fails here has changed nothing. */
  async #reach(region: string, signal: AbortSignal): Promise<void> {
    const mode = this.#truth.providerMode();
    if (mode === "hangs" || !this.#truth.connected(region, PLACE)) return this.#never(signal);
    await this.#wait(this.#truth.latency(region, PLACE));
    if (mode === "down") throw new TrafficError("UNAVAILABLE", "503 from the provider");
    if (mode === "rate_limited") throw new TrafficError("RATE_LIMITED", "429 from the provider", { retryAfterMs: 300_000 });
  }

  #never(signal: AbortSignal): Promise<never> {
    const end = this.#uncertainAt(TRAFFIC_DEADLINE_MS, "UNAVAILABLE");
    signal.addEventListener("abort", end.cancel, { once: true });
    return Promise.race([end.late, new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(new TrafficError("UNAVAILABLE", "given up")), { once: true }))]);
  }

  #uncertainAt(ms: Ms, code: "UNCERTAIN" | "UNAVAILABLE" = "UNCERTAIN"): { readonly late: Promise<never>; readonly cancel: () => void } {
    let cancel = (): void => {};
    const late = new Promise<never>((_, reject) => {
      cancel = this.#clock.after(ms, () => reject(new TrafficError(code, "no answer in time")));
    });
    return { late, cancel };
  }

  #wait(ms: Ms): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(ms, resolve));
  }

  #found(name: string): TrafficEntry {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new TrafficError("NOT_FOUND", `no ${name}`);
    return entry;
  }

  #put(name: string, leadsTo: string, mark: TrafficEntry["mark"]): void {
    this.#versions += 1;
    this.#entries.set(name, { name, leadsTo, value: leadsTo, staleForMs: 0, mark, foreign: null, version: String(this.#versions) });
  }
}
