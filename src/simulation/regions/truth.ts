/**
 * What is really so in the simulated world: which ways stand, how each region is, and since when.
 */
import type { OwnState } from "../../core/region/fitness.ts";
import type { OutsideSight } from "../../core/region/outside.ts";
import type { Instant, Ms } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import type { Fault, ProviderMode, RegionFlag, Script } from "./script.ts";

/** A region's own checks learn of a change after this long. */
export const CHECKS_LAG_MS: Ms = 4_000;
/** And of the number of its pods. */
export const PODS_LAG_MS: Ms = 1_500;

type Flagged = { readonly at: Instant; readonly flags: ReadonlySet<RegionFlag> };

export class Truth {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #active = new Set<Fault>();
  readonly #history = new Map<string, Flagged[]>();
  /** Paused writers that have not written yet. */
  readonly #paused = new Map<string, Ms>();

  constructor(script: Script, clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
    for (const { name } of script.plan.regions) this.#history.set(name, [{ at: Number.NEGATIVE_INFINITY, flags: new Set() }]);
  }

  begin(fault: Fault): void {
    this.#active.add(fault);
    if (fault.kind === "paused_writer") this.#paused.set(fault.region, fault.forMs);
    if (fault.kind === "region") this.#note(fault.region);
  }

  end(fault: Fault): void {
    this.#active.delete(fault);
    if (fault.kind === "paused_writer") this.#paused.delete(fault.region);
    if (fault.kind === "region") this.#note(fault.region);
  }

  has(wanted: (fault: Fault) => boolean): boolean {
    for (const fault of this.#active) if (wanted(fault)) return true;
    return false;
  }

  isLost(place: string): boolean {
    return this.has((fault) => fault.kind === "lost" && fault.region === place);
  }

  /** What is sent arrives. */
  passes(from: string, to: string): boolean {
    if (from === to) return !this.isLost(from);
    for (const fault of this.#active) {
      if (fault.kind === "lost" && (fault.region === from || fault.region === to)) return false;
      if (fault.kind === "cut" && fault.from === from && fault.to === to) return false;
    }
    return true;
  }

  /** A question arrives and its answer comes back. */
  connected(from: string, to: string): boolean {
    return this.passes(from, to) && this.passes(to, from);
  }

  latency(from: string, to: string): Ms {
    let ms = 20 + Math.floor(this.#random.next() * 8) * 10;
    for (const fault of this.#active) if (fault.kind === "slow" && ((fault.from === from && fault.to === to) || (fault.from === to && fault.to === from))) ms += fault.byMs;
    return ms;
  }

  isBlind(observer: string): boolean {
    return this.isLost(observer) || this.has((fault) => fault.kind === "blind" && fault.observer === observer);
  }

  providerMode(): ProviderMode | null {
    for (const fault of this.#active) if (fault.kind === "provider") return fault.mode;
    return null;
  }

  /** How long this writer's next write is held up; asked once. */
  takePause(region: string): Ms {
    const ms = this.#paused.get(region) ?? 0;
    this.#paused.delete(region);
    return ms;
  }

  mayPause(region: string): boolean {
    return this.#paused.has(region);
  }

  /** What a region's origin answers to an observer that reaches it. */
  origin(region: string, observer: string): OutsideSight {
    const flags = this.flags(region, this.#clock.now());
    if (flags.has("hidden") && observer !== region) return { kind: "failed", detail: "403 from afar" };
    if (flags.has("ingress_dead")) return { kind: "failed", detail: "refused" };
    if (flags.has("pods_gone")) return { kind: "failed", detail: "502" };
    if (flags.has("copies_only") || flags.has("api_dead")) return { kind: "answered", by: "copy" };
    return { kind: "answered", by: this.#random.next() < 0.15 ? "fresh" : "application" };
  }

  /** Nobody outside can be served there, whatever is looked at. */
  isWhollyDown(region: string): boolean {
    const flags = this.flags(region, this.#clock.now());
    return this.isLost(region) || flags.has("ingress_dead") || flags.has("pods_gone");
  }

  flags(region: string, at: Instant): ReadonlySet<RegionFlag> {
    return this.#history.get(region)?.findLast((one) => one.at <= at)?.flags ?? new Set();
  }

  /** What the region's own checks know of it now. */
  own(region: string): OwnState {
    const now = this.#clock.now();
    const known = this.flags(region, now - CHECKS_LAG_MS);
    const pods = this.flags(region, now - PODS_LAG_MS);
    const gone = pods.has("pods_gone");
    const selling = !gone && !known.has("copies_only") && !known.has("api_dead");
    return {
      status: !selling ? "unhealthy" : known.has("degraded") ? "degraded" : "healthy",
      selling,
      ready: gone ? 0 : pods.has("few_pods") ? 1 : 3,
      parity: known.has("parity_failed") ? "failed" : "proven",
      givesUp: gone ? "no pod is left" : null,
    };
  }

  #note(region: string): void {
    const flags = new Set<RegionFlag>();
    for (const fault of this.#active) if (fault.kind === "region" && fault.region === region) flags.add(fault.flag);
    this.#history.get(region)?.push({ at: this.#clock.now(), flags });
  }
}
