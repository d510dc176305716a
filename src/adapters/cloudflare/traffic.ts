/**
 * Compare, set once, read back: the Traffic port over whatever place at Cloudflare leads to a region.
 *
 * Cloudflare takes every write, the last one wins. A writer that was paused between its compare and its write is
 * therefore not refused; it is found by what is read back, here or by the next one who reads.
 */
import type * as z from "zod";
import { formatMark, MAX_MARK_CHARACTERS, parseMark, type RegionMark } from "../../core/region/mark.ts";
import { shortened } from "../../core/shortened.ts";
import type { Ms } from "../../core/time.ts";
import { sleep, type Clock } from "../../ports/clock.ts";
import {
  MAX_ENTRIES, TRAFFIC_DEADLINE_MS, TrafficError, type ProviderCall, type RightsProof, type SwitchOrder, type SwitchOutcome, type Traffic, type TrafficEntry,
} from "../../ports/traffic.ts";
import type { Until, Written } from "./client.ts";
import { standsAs, versionOf, type Ask, type Change, type Facts, type Place } from "./place.ts";
import { proveRights, type RightsOptions } from "./rights.ts";
import type { Target } from "./schemas.ts";

/** Of each method's time, kept for reading back what was written. */
const READ_BACK_MS: Ms = 1_000;
/** No write is begun with less time than this before that. */
const WRITE_MS: Ms = 1_000;
/** Before what was written is looked for a second time, where the first look showed what stood there before. */
const SECOND_LOOK_MS: Ms = 250;

export type CloudflareTrafficOptions<F extends Facts> = RightsOptions<F> & {
  readonly kind: "cloudflare_dns" | "cloudflare_pools";
  readonly clock: Clock;
};

export class CloudflareTraffic<F extends Facts> implements Traffic {
  readonly kind: string;
  readonly fencesLateWrites = false;
  readonly #options: CloudflareTrafficOptions<F>;
  readonly #closing = new AbortController();

  /** @throws {RangeError} of more than MAX_ENTRIES places. */
  constructor(options: CloudflareTrafficOptions<F>) {
    if (options.places.length > MAX_ENTRIES) throw new RangeError(`${options.places.length} entries are more than ${MAX_ENTRIES}`);
    this.kind = options.kind;
    this.#options = options;
  }

  read(signal: AbortSignal): Promise<readonly TrafficEntry[]> {
    return this.#within(signal, async (until) => {
      const ask = this.#look(until);
      return Promise.all(this.#options.places.map(async (place) => entryOf(place, await place.look(ask))));
    });
  }

  async switch(order: SwitchOrder, signal: AbortSignal): Promise<SwitchOutcome> {
    const { place, before, change } = this.#ordered(order);
    return this.#within(signal, (until) => this.#apply(place, before, change, until));
  }

  calls(order: SwitchOrder): readonly ProviderCall[] {
    const { place, before, change } = this.#ordered(order);
    const { client } = this.#options;
    const gets = (targets: Place<F>["looks"]): readonly ProviderCall[] => targets.map((target) => ({ method: "GET", url: client.url(target), body: null }));
    return [...gets(place.looks), { method: "PATCH", url: client.url(change.target), body: JSON.stringify(change.body) }, ...gets(place.againTargets(before))];
  }

  async adopt(entry: TrafficEntry, mark: RegionMark, signal: AbortSignal): Promise<SwitchOutcome> {
    const { place, before } = this.#known(entry);
    const leadsTo = place.leadsTo(before);
    if (before.comment !== "") throw new TrafficError("NOT_OURS", `${entry.name} bears ${JSON.stringify(before.comment)}; remove that by hand first`);
    if (leadsTo === null) throw new TrafficError("INVALID", `${entry.name} leads to no region of the configuration: ${entryOf(place, before).value}`);
    const change = place.change(before, null, this.#comment(mark, leadsTo));
    return this.#within(signal, (until) => this.#apply(place, before, change, until));
  }

  proveRights(signal: AbortSignal): Promise<RightsProof> {
    const { clock } = this.#options;
    return this.#within(signal, (until) => proveRights(this.#options, { wall: clock.wall(), ask: this.#look(until), until }));
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  async #apply(place: Place<F>, before: F, change: Change<F>, until: Until): Promise<SwitchOutcome> {
    const { client, clock } = this.#options;
    const found = await place.look(this.#look(until));
    if (versionOf(found) !== versionOf(before)) return { kind: "moved", found: entryOf(place, found) };
    if (until.at - clock.now() < WRITE_MS + READ_BACK_MS) throw new TrafficError("UNAVAILABLE", `${place.name}: reading it took so long that no time was left to write it and read it back`);
    const written = await client.patch(change.target, change.body, { ...until, at: until.at - READ_BACK_MS });
    return this.#readBack(place, { before, change, written }, until);
  }

  async #readBack(place: Place<F>, { before, change, written }: { readonly before: F; readonly change: Change<F>; readonly written: Written }, until: Until): Promise<SwitchOutcome> {
    const look = (): Promise<F> => place.lookAgain(this.#look(until), before).catch((cause: unknown) => {
      throw new TrafficError("UNCERTAIN", `${place.name}: ${unheard(written)}, and it could not be read back: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    });
    let found = await look();
    // A reader that lags behind the writer shows what stood there before.
    if (versionOf(found) === versionOf(before)) {
      await sleep(this.#options.clock, SECOND_LOOK_MS, until.signal);
      found = await look();
    }
    const entry = entryOf(place, found);
    if (standsAs(found, change.after)) return { kind: "switched", entry };
    if (written.kind === "accepted") return { kind: "overwritten", found: entry };
    throw new TrafficError("UNCERTAIN", `${place.name}: ${unheard(written)}, and it may yet land; it was read back as ${entry.value}`);
  }

  /** @throws {TrafficError} where the order cannot be one of ours. */
  #ordered({ entry, to, mark }: SwitchOrder): { readonly place: Place<F>; readonly before: F; readonly change: Change<F> } {
    const { place, before } = this.#known(entry);
    const standing = parseMark(before.comment);
    if (standing === null) {
      const words = before.comment === "" ? "bears no mark; adopt it first" : `bears somebody's words: ${JSON.stringify(shortened(before.comment, 100))}`;
      throw new TrafficError("NOT_OURS", `${place.name} ${words}`);
    }
    if (standing.site !== this.#options.site) throw new TrafficError("NOT_OURS", `${place.name} is marked as site ${standing.site}'s, and this is ${this.#options.site}`);
    if (!place.regions.includes(to)) throw new TrafficError("INVALID", `${place.name} has nothing configured that leads to ${to}`);
    return { place, before, change: place.change(before, to, this.#comment(mark, to)) };
  }

  #known(entry: TrafficEntry): { readonly place: Place<F>; readonly before: F } {
    const place = this.#options.places.find(({ name }) => name === entry.name);
    const before = place === undefined ? undefined : factsOf(place, entry.version);
    if (place === undefined || before === undefined) throw new TrafficError("INVALID", `${shortened(entry.name, 100)} was not read here`);
    return { place, before };
  }

  #comment(mark: RegionMark, leadsTo: string): string {
    const text = formatMark(mark);
    if (mark.site !== this.#options.site || mark.region !== leadsTo) throw new TrafficError("INVALID", `the mark ${JSON.stringify(text)} is not one of ${this.#options.site} leading to ${leadsTo}`);
    if (text.length > MAX_MARK_CHARACTERS || parseMark(text) === null) throw new TrafficError("INVALID", `${JSON.stringify(text)} is no mark that a comment of ${MAX_MARK_CHARACTERS} characters holds`);
    return text;
  }

  /** Everything it asks for is asked for once. */
  #look(until: Until): Ask {
    const asked = new Map<string, Promise<unknown>>();
    return <Result extends z.ZodType>(target: Target<Result>) => {
      const known = asked.get(target.path) ?? this.#options.client.get(target, until);
      asked.set(target.path, known);
      return known as Promise<z.infer<Result>>;
    };
  }

  async #within<T>(signal: AbortSignal, work: (until: Until) => Promise<T>): Promise<T> {
    const { clock } = this.#options;
    const late = new AbortController();
    const cancel = clock.after(TRAFFIC_DEADLINE_MS, () => late.abort());
    try {
      return await work({ at: clock.now() + TRAFFIC_DEADLINE_MS, signal: AbortSignal.any([signal, this.#closing.signal, late.signal]) });
    } finally {
      cancel();
      late.abort();
    }
  }
}

function entryOf<F extends Facts>(place: Place<F>, facts: F): TrafficEntry {
  const { value, staleForMs } = place.show(facts);
  const drift = place.drift(facts);
  const mark = parseMark(facts.comment);
  return {
    name: place.name,
    leadsTo: place.leadsTo(facts),
    value: shortened([value, ...drift].join("; "), 199),
    staleForMs,
    mark,
    foreign: mark === null && facts.comment !== "" ? facts.comment.slice(0, 100) : null,
    version: versionOf(facts),
  };
}

function factsOf<F extends Facts>(place: Place<F>, version: string): F | undefined {
  try {
    return place.facts.safeParse(JSON.parse(version)).data;
  } catch {
    return undefined;
  }
}

const unheard = (written: Written): string => (written.kind === "accepted" ? "the change was accepted" : `nothing says what became of the change (${written.detail})`);
