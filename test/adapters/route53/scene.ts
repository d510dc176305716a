/** A shop in two regions at the Route 53 stand-in, and a clock whose pauses pass at once. */
import { Secret } from "../../../src/config/secret.ts";
import { formatMark, type RegionMark } from "../../../src/core/region/mark.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { Traffic, TrafficEntry } from "../../../src/ports/traffic.ts";
import { createRoute53, type Route53Options } from "../../../src/adapters/route53/route53.ts";
import { startRoute53, type StandIn } from "../../../demo/route53/stand-in.ts";
import type { RecordSet } from "../../../demo/route53/zone.ts";

export const NEVER = new AbortController().signal;
export const KEY = { id: "AKIASHOPKEEPERTEST00", secret: "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY" };
export const ZONE = { zoneId: "Z0123456789ABCDEFGHIJ", zoneName: "example.com" };
export const EU = "203.0.113.7";
export const US = "198.51.100.9";
export const RECORD = { name: "shop.example.com", type: "A", values: { eu: EU, us: US } } as const;

export const mark = (region: string, epoch: number, site = "shop"): RegionMark => ({ site, region, epoch, flippedAt: 1_795_000_000 + epoch });
export const plain = (name: string, type: string, value: string, ttl = 60): RecordSet => ({ name: `${name}.`, type, ttl, values: [value] });
export const companion = (text: string, name = "_shopkeeper.shop.example.com"): RecordSet => plain(name, "TXT", `"${text}"`);
export const marked = (region: string, epoch: number, site = "shop"): RecordSet => companion(formatMark(mark(region, epoch, site)));

/** Deadlines come when they are called for; a pause, being shorter, is over at once. */
export class HurriedClock implements Clock {
  readonly pauses: number[] = [];
  #now = 1_000_000;
  #deadlines = new Map<() => void, number>();

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#now;
  }

  after(delay: number, fn: () => void): () => void {
    if (delay >= 1_200) {
      this.#deadlines.set(fn, this.#now + delay);
      return () => void this.#deadlines.delete(fn);
    }
    this.pauses.push(delay);
    this.#now += delay;
    const immediate = setImmediate(fn);
    return () => clearImmediate(immediate);
  }

  /** Time goes on by `ms`. */
  pass(ms: number): void {
    this.#now += ms;
    for (const [fn, at] of [...this.#deadlines].toSorted(([, a], [, b]) => a - b)) {
      if (at <= this.#now && this.#deadlines.delete(fn)) fn();
    }
  }
}

export type Scene = AsyncDisposable & { readonly standIn: StandIn; readonly clock: HurriedClock; readonly traffic: Traffic; open(options?: Partial<Route53Options>): Traffic };

/** @param sets of the zone; default: the shop's record leading to eu, marked. */
export async function scene(sets: readonly RecordSet[] = [plain("shop.example.com", "A", EU), marked("eu", 1)], options: Partial<Route53Options> = {}): Promise<Scene> {
  const standIn = await startRoute53({ ...ZONE, key: KEY });
  put(standIn, ...sets);
  const clock = new HurriedClock();
  const opened: Traffic[] = [];
  const open = (more: Partial<Route53Options> = {}): Traffic => {
    const traffic = createRoute53({
      clock,
      site: "shop",
      zoneId: ZONE.zoneId,
      records: [RECORD],
      shadow: null,
      credentials: { accessKeyId: KEY.id, secretAccessKey: new Secret(KEY.secret, "${AWS_SECRET}") },
      endpoint: standIn.url,
      ...options,
      ...more,
    });
    opened.push(traffic);
    return traffic;
  };
  return {
    standIn,
    clock,
    traffic: open(),
    open,
    [Symbol.asyncDispose]: async () => {
      for (const traffic of opened) await traffic.close();
      await standIn.close();
    },
  };
}

export function put(standIn: StandIn, ...sets: readonly RecordSet[]): void {
  standIn.zone.apply(sets.map((set) => ({ action: "UPSERT", set })));
}

/** All there is, to be compared. */
export const state = (standIn: StandIn): string[] => standIn.zone.sets.map(({ name, type, ttl, values }) => `${name} ${ttl ?? "-"} ${type} ${(values ?? []).join(",")}`);

export async function first(traffic: Traffic): Promise<TrafficEntry> {
  const [entry] = await traffic.read(NEVER);
  if (entry === undefined) throw new Error("there is no entry");
  return entry;
}
