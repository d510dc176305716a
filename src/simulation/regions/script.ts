/**
 * One incident written by a seed: which regions there are, and what goes wrong when.
 */
import { DEFAULT_REGION_RULES, type RegionPlan, type RegionRules } from "../../core/region/region.ts";
import type { Ms } from "../../core/time.ts";
import type { Random } from "../../ports/random.ts";

/** What can go wrong with a region, as buyers meet it or as its own checks know it. `hidden`: it serves whoever is near, and nobody from afar. */
export type RegionFlag = "hidden" | "ingress_dead" | "pods_gone" | "copies_only" | "api_dead" | "few_pods" | "degraded" | "parity_failed";
export type ProviderMode = "down" | "hangs" | "rate_limited" | "lies" | "answer_lost";

export type Fault =
  | { readonly kind: "region"; readonly region: string; readonly flag: RegionFlag }
  /** Nothing enters or leaves it. */
  | { readonly kind: "lost"; readonly region: string }
  /** What is sent from one to the other is lost; the other way may stand. */
  | { readonly kind: "cut"; readonly from: string; readonly to: string }
  | { readonly kind: "slow"; readonly from: string; readonly to: string; readonly byMs: Ms }
  | { readonly kind: "blind"; readonly observer: string }
  | { readonly kind: "killed"; readonly region: string; readonly daemon: number }
  | { readonly kind: "lease_cut"; readonly region: string; readonly daemon: number }
  | { readonly kind: "witness_dead"; readonly witness: string }
  /** Its next write is held up between the comparison and the write, for this long. */
  | { readonly kind: "paused_writer"; readonly region: string; readonly forMs: Ms }
  | { readonly kind: "provider"; readonly mode: ProviderMode };

export type Timed = { readonly at: Ms; readonly until: Ms; readonly fault: Fault };

export type Script = {
  readonly seed: number;
  readonly plan: RegionPlan;
  readonly lengthMs: Ms;
  /** Of the mark that stands at the start, on the most preferred region. */
  readonly epoch: number;
  readonly entries: number;
  readonly fencesLateWrites: boolean;
  /** By which each daemon's clock is wrong: two for each region, then one for each witness. */
  readonly skewMs: readonly Ms[];
  readonly faults: readonly Timed[];
  readonly orders: readonly { readonly at: Ms; readonly kind: "failover" | "acknowledge"; readonly region: string }[];
};

const NAMES = ["eu", "us", "ap", "sa"];
const MAX_SKEW: Ms = 300_000;
/** Nothing goes wrong before: everybody has looked. */
export const CALM_MS: Ms = 15_000;
/** For ever, within one run. */
const FOR_EVER: Ms = 86_400_000;

export function writeScript(seed: number, random: Random): Script {
  const draw = new Draw(random);
  const regions = NAMES.slice(0, draw.from([2, 3, 3, 4]));
  const witnesses = ["w1", "w2"].slice(0, draw.from([0, 1, 1, 2]));
  const story = draw.story(regions.length);
  const long = story === "recluse" || draw.chance(0.1);
  const rules: RegionRules = long ? { ...DEFAULT_REGION_RULES, block: 120_000, failbackAfter: 60_000 } : DEFAULT_REGION_RULES;
  const plan: RegionPlan = { site: "shop", regions: regions.map((name) => ({ name, floor: 2 })), witnesses, rules };
  const lengthMs = story === "silence" ? 330_000 : long ? 300_000 : story === "doubt" || draw.chance(0.2) ? 150_000 : 75_000;
  return {
    seed,
    plan,
    lengthMs,
    epoch: draw.chance(0.3) ? draw.between(2, 9) : 1,
    entries: draw.chance(0.25) ? 2 : 1,
    fencesLateWrites: draw.chance(0.3),
    skewMs: [...regions.flatMap((name) => [name, name]), ...witnesses].map(() => draw.between(-MAX_SKEW, MAX_SKEW)),
    faults: draw.faults(story, regions, witnesses, lengthMs),
    orders: draw.chance(0.08) ? [{ at: draw.between(CALM_MS, lengthMs - 20_000), kind: draw.from(["failover", "acknowledge"] as const), region: draw.from(regions) }] : [],
  };
}

/**
 * What an incident is mostly about. `contest`: two regions write late. `doubt`: those that could take over from copies are
 * in doubt. `recluse`: the primary is well again, and nobody but itself can see that. `silence`: observers are gone for minutes
 * before anything else happens. `any`: whatever happens.
 */
type Story = "any" | "contest" | "doubt" | "recluse" | "silence";

/** Chance, as scripts use it. */
class Draw {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  chance(share: number): boolean {
    return this.#random.next() < share;
  }

  between(low: number, high: number): number {
    return Math.floor(low + this.#random.next() * (high - low + 1));
  }

  from<T>(all: readonly T[]): T {
    const found = all[this.between(0, all.length - 1)];
    if (found === undefined) throw new RangeError("nothing to draw from");
    return found;
  }

  story(regions: number): Story {
    const told = this.#random.next();
    if (told < 0.15 && regions > 2) return "contest";
    if (told < 0.22) return "doubt";
    if (told < 0.28) return "recluse";
    return told < 0.34 ? "silence" : "any";
  }

  faults(story: Story, regions: readonly string[], witnesses: readonly string[], lengthMs: Ms): readonly Timed[] {
    const primary = regions[0] ?? "";
    const faults: Timed[] = [];
    const add = (fault: Fault, at: Ms, forMs: Ms): void => void faults.push({ at, until: at + forMs, fault });
    const struckAt = story === "silence" ? this.between(220_000, 260_000) : this.between(CALM_MS, 35_000);
    if (story === "silence") this.#silence(regions, witnesses, add);
    if (story !== "any" && story !== "silence") this.#tell(story, regions, struckAt, add);
    else if (this.chance(0.85)) add(this.#ofPrimary(primary), struckAt, this.chance(0.6) ? FOR_EVER : this.between(3_000, 60_000));
    if (this.chance(0.05)) for (const region of regions) add({ kind: "region", region, flag: "api_dead" }, struckAt + this.between(0, 3_000), FOR_EVER);
    // A loss that nothing else disturbs is what most of the promise is about.
    const others = this.chance(story === "any" ? 0.3 : 0.6) ? 0 : this.between(1, 4);
    for (let at = 0; at < others; at += 1) {
      add(this.#other(regions, witnesses), this.between(CALM_MS, Math.min(lengthMs - 10_000, struckAt + 60_000)), this.chance(0.3) ? FOR_EVER : this.between(2_000, 70_000));
    }
    return faults.toSorted((a, b) => a.at - b.at);
  }

  #tell(story: Exclude<Story, "any" | "silence">, regions: readonly string[], at: Ms, add: (fault: Fault, at: Ms, forMs: Ms) => void): void {
    const [primary = "", standby = ""] = regions;
    switch (story) {
      case "contest":
        return this.#contest(regions, at, add);
      case "doubt":
        for (const region of this.chance(0.5) ? [standby] : regions.slice(1)) add({ kind: "region", region, flag: this.from(["parity_failed", "degraded", "few_pods"]) }, 1_000, FOR_EVER);
        return add({ kind: "region", region: primary, flag: "copies_only" }, at, FOR_EVER);
      case "recluse":
        add({ kind: "region", region: primary, flag: "ingress_dead" }, at, 30_000);
        return add({ kind: "region", region: primary, flag: "hidden" }, at + 30_000 + this.between(0, 60_000), FOR_EVER);
    }
  }

  /** The standby decides, its write is held up, and it falls silent; so the next one takes over, and then the write lands. */
  #contest(regions: readonly string[], at: Ms, add: (fault: Fault, at: Ms, forMs: Ms) => void): void {
    const [primary = "", standby = ""] = regions;
    add({ kind: "lost", region: primary }, at, FOR_EVER);
    add({ kind: "paused_writer", region: standby, forMs: this.between(8_000, 40_000) }, at, FOR_EVER);
    const silentAt = at + this.between(5_000, 11_000);
    if (this.chance(0.5)) for (const daemon of [0, 1]) add({ kind: "killed", region: standby, daemon }, silentAt, FOR_EVER);
    else for (const other of regions.slice(2)) add({ kind: "cut", from: standby, to: other }, silentAt, this.between(10_000, 60_000));
  }

  /** One of the observers, or all but the first region that could take over, are gone or out of reach from the start. */
  #silence(regions: readonly string[], witnesses: readonly string[], add: (fault: Fault, at: Ms, forMs: Ms) => void): void {
    const [, standby = ""] = regions;
    const others = [...regions.slice(2), ...witnesses];
    const forMs = this.chance(0.7) ? FOR_EVER : this.between(60_000, 280_000);
    for (const observer of this.chance(0.5) ? others : others.slice(0, 1)) {
      if (this.chance(0.3)) add({ kind: "cut", from: observer, to: standby }, 1_000, forMs);
      else if (witnesses.includes(observer)) add({ kind: "witness_dead", witness: observer }, 1_000, forMs);
      else for (const daemon of [0, 1]) add({ kind: "killed", region: observer, daemon }, 1_000, forMs);
    }
  }

  #ofPrimary(region: string): Fault {
    const flag = this.from<RegionFlag | "lost">(["lost", "lost", "ingress_dead", "ingress_dead", "pods_gone", "pods_gone", "copies_only", "api_dead", "hidden"]);
    return flag === "lost" ? { kind: "lost", region } : { kind: "region", region, flag };
  }

  #other(regions: readonly string[], witnesses: readonly string[]): Fault {
    const observers = [...regions, ...witnesses];
    const places = [...observers, "provider"];
    const region = this.from(regions);
    switch (this.between(0, 12)) {
      case 0:
      case 1:
        return { kind: "cut", from: this.from(observers), to: this.from(places) };
      case 2:
        return { kind: "slow", from: this.from(observers), to: this.from(places), byMs: this.between(200, 1_500) };
      case 3:
        return { kind: "blind", observer: this.from(observers) };
      case 4:
        return { kind: "killed", region, daemon: this.between(0, 1) };
      case 5:
        return { kind: "lease_cut", region, daemon: this.between(0, 1) };
      case 6:
        return witnesses.length > 0 ? { kind: "witness_dead", witness: this.from(witnesses) } : { kind: "blind", observer: region };
      case 7:
      case 8:
        return { kind: "paused_writer", region, forMs: this.between(1_000, 60_000) };
      case 9:
        return { kind: "provider", mode: this.from<ProviderMode>(["down", "hangs", "rate_limited", "lies", "answer_lost"]) };
      case 10:
        return { kind: "lost", region };
      default:
        return { kind: "region", region, flag: this.from<RegionFlag>(["hidden", "ingress_dead", "pods_gone", "copies_only", "api_dead", "few_pods", "degraded", "parity_failed"]) };
    }
  }
}
