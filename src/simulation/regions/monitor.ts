/**
 * The promises, checked against what is really so, after every event. It shares nothing with the rules that it checks but
 * the configuration: its own book of who was right, its own count of who could see what.
 */
import type { OutsideSight } from "../../core/region/outside.ts";
import { HOLD_CODES } from "../../core/region/reason.ts";
import { observersOf } from "../../core/region/region.ts";
import type { RegionDecision } from "../../core/region/scene.ts";
import type { Instant, Ms } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RegionFlag, Script } from "./script.ts";
import { CHECKS_LAG_MS, type Truth } from "./truth.ts";
import type { Written } from "./simulated-provider.ts";

/** From the loss of a region until the provider has been changed. */
export const PROMISED_MS: Ms = 15_000;
/** One interval of reading, and the time that a repair may take. */
const REPAIR_MS: Ms = 10_000 + 2_000 + 5_000;
/** Until whoever reaches the provider again has read it. */
const READ_MS: Ms = 70_000;
/** A look counts as a view for this long. */
const SEEN_FOR_MS: Ms = 8_000;
const LOOKS_NEEDED = 3;
/** A decision is made of answers up to this old: the asker waits for those that do not come. */
const ANSWERS_AGE_MS: Ms = 2_000;
/** A provider that has asked to be left alone, or has failed, is asked again after this long at most. */
const LEFT_ALONE_MS: Ms = 310_000;

type Look = { readonly at: Instant; readonly bad: number; readonly copies: number; readonly good: number; /** Until when it could still be told otherwise. */ readonly badUntil: Instant; readonly copiesUntil: Instant };
type Book = { right: string; changedAt: Instant; flipped: boolean; wrongSince: Instant | null };

export type Stats = { flips: number; failbacks: number; manual: number; repairs: number; lateWrites: number; holds: number; steps: number; promised: number; slowestMs: Ms; codes: Set<string> };

export type Able = {
  /** A daemon of it leads, and may act. */
  readonly leads: (region: string) => boolean;
  /** An observer that answers. */
  readonly alive: (observer: string) => boolean;
};

export class Monitor {
  readonly violations: string[] = [];
  readonly stats: Stats = { flips: 0, failbacks: 0, manual: 0, repairs: 0, lateWrites: 0, holds: 0, steps: 0, promised: 0, slowestMs: 0, codes: new Set() };
  readonly #script: Script;
  readonly #truth: Truth;
  readonly #clock: Clock;
  readonly #able: Able;
  readonly #looks = new Map<string, Look>();
  readonly #books = new Map<string, Book>();
  /** Of regions whose flip a person ordered: the epoch under which it was written first; null: not yet. */
  readonly #ordered = new Map<string, number | null>();
  /** When each epoch was first written anywhere: entries of one flip are one flip. */
  readonly #epochs = new Map<string, Instant>();
  readonly #troubledAt = new Map<string, Instant>();
  readonly #lostSince = new Map<string, Instant>();
  readonly #startedAt: Instant;
  #providerTroubledAt: Instant = 0;
  /** When two places last could not talk to each other. */
  readonly #apartAt = new Map<string, Instant>();
  /** When a person lifted the block last: the flips before that are no hindrance any more. */
  #acknowledgedAt: Instant = 0;
  /** Since when the target could have done it; null: something stands in its way. */
  #ableSince: Instant | null = null;
  #ableFor = "";

  constructor(script: Script, truth: Truth, clock: Clock, able: Able) {
    this.#script = script;
    this.#truth = truth;
    this.#clock = clock;
    this.#able = able;
    this.#startedAt = clock.now();
  }

  looked(observer: string, region: string, sight: OutsideSight): void {
    if (sight.kind === "unknown") return;
    const key = `${observer}/${region}`;
    const now = this.#clock.now();
    const before = this.#looks.get(key) ?? { at: 0, bad: 0, copies: 0, good: 0, badUntil: 0, copiesUntil: 0 };
    const failed = sight.kind === "failed";
    const copied = failed || (sight.kind === "answered" && sight.by === "copy");
    // One answer among failures is no recovery yet.
    const bad = failed ? before.bad + 1 : before.good === 0 ? before.bad : 0;
    const copies = copied ? before.copies + 1 : sight.kind === "answered" && sight.by === "fresh" ? before.copies : 0;
    this.#looks.set(key, {
      at: now, bad, copies, good: failed ? 0 : before.good + 1,
      badUntil: failed && bad >= LOOKS_NEEDED ? now + SEEN_FOR_MS : Math.min(before.badUntil, now + ANSWERS_AGE_MS),
      copiesUntil: copies >= LOOKS_NEEDED ? now + SEEN_FOR_MS : Math.min(before.copiesUntil, now + ANSWERS_AGE_MS),
    });
  }

  ordered(region: string): void {
    this.#ordered.set(region, null);
  }

  acknowledged(): void {
    this.#acknowledgedAt = this.#clock.now();
  }

  /** @param seesDown the deciding daemon itself sees the region down that buyers are led to. */
  decided(region: string, decision: RegionDecision, seesDown: boolean): void {
    this.stats.steps += 1;
    if (decision.kind === "hold") {
      this.stats.holds += 1;
      for (const { code, text } of decision.reasons) {
        this.stats.codes.add(code);
        if (text === "" || !HOLD_CODES.includes(code)) this.fail(`${region} holds without a word of explanation`);
      }
      if (decision.reasons.length === 0) this.fail(`${region} holds without any reason`);
    }
    if (decision.kind === "stay" && seesDown) this.fail(`${region} stays without an explanation, and sees the other down`);
    if (decision.kind === "flip") this.#judgeFlip(region, decision);
  }

  written(write: Written): void {
    const now = this.#clock.now();
    const book = this.#bookOf(write.entry);
    if (write.late) this.stats.lateWrites += 1;
    if (write.from === write.to) return;
    if (write.to === book.right) {
      this.stats.repairs += 1;
      book.wrongSince = null;
      return;
    }
    if (write.late) {
      book.wrongSince ??= now;
      return;
    }
    // Entries that were torn between two regions are brought together again.
    const other = [...this.#books.values()].find((one) => one !== book && one.right === write.to && now - one.changedAt <= REPAIR_MS);
    if (other !== undefined && book.flipped && now - book.changedAt <= REPAIR_MS) {
      this.stats.repairs += 1;
      Object.assign(book, { right: write.to, wrongSince: null });
      return;
    }
    const manual = this.#isOrdered(write);
    const epoch = `${write.to}/${write.epoch}`;
    const beganAt = this.#epochs.get(epoch) ?? now;
    this.#epochs.set(epoch, beganAt);
    // Where an entry is wrong already, this is the next flip all the same.
    const since = beganAt - book.changedAt;
    if (book.flipped && !manual && book.changedAt > this.#acknowledgedAt && since < this.#script.plan.rules.block) this.fail(`${write.by} flips ${write.entry} again ${since} ms after the last flip, from ${write.from ?? "?"} to ${write.to}`);
    if (manual) this.stats.manual += 1;
    Object.assign(book, { right: write.to, changedAt: beganAt, flipped: true, wrongSince: null });
  }

  /** Between events, twice a second. @param standing where every entry leads now. */
  tick(standing: readonly { readonly name: string; readonly leadsTo: string | null }[]): void {
    const now = this.#clock.now();
    for (const { name } of this.#script.plan.regions) if (this.#truth.isWhollyDown(name) || this.#truth.isBlind(name)) this.#troubledAt.set(name, now);
    const places = [...this.#script.plan.regions.map((one) => one.name), "provider"];
    for (const one of places) for (const other of places) if (!this.#truth.connected(one, other)) this.#apartAt.set(`${one}/${other}`, now);
    for (const { name } of this.#script.plan.regions) {
      if (!this.#truth.isLost(name)) this.#lostSince.delete(name);
      else if (!this.#lostSince.has(name)) this.#lostSince.set(name, now);
    }
    if (this.#truth.providerMode() !== null) this.#providerTroubledAt = now;
    for (const { name } of standing) this.#expectRepair(name);
    this.#expectTakeover(standing[0]?.leadsTo ?? null);
  }

  /** All entries of one flip that a person ordered. */
  #isOrdered({ by, epoch }: Written): boolean {
    const ordered = this.#ordered.get(by);
    if (ordered === undefined) return false;
    this.#ordered.set(by, ordered ?? epoch);
    return ordered === null || ordered === epoch;
  }

  #judgeFlip(region: string, decision: Extract<RegionDecision, { readonly kind: "flip" }>): void {
    const { cause, from, to } = decision;
    if (cause === "failback") this.stats.failbacks += 1;
    else this.stats.flips += 1;
    if (to !== region) this.fail(`${region} leads buyers to ${to}, not to itself`);
    this.#judgeFit(region, cause === "down" || (cause === "manual" && from !== null && this.#truth.isWhollyDown(from)));
    if (cause === "manual") return;
    if (from !== null && cause !== "failback") {
      // A region that gives itself up says so first-hand: one look of each observer bears that out.
      const gaveUp = this.#truth.own(from).givesUp !== null;
      const against = this.#observersWith(from, (look) => (cause === "down" ? look.badUntil >= this.#clock.now() : look.copiesUntil >= this.#clock.now() || (gaveUp && look.copies > 0)));
      if (against.length < 2) this.fail(`${region} takes over from ${from} (${cause}) though only ${against.join(", ") || "nobody"} could see it so`);
      const vetoed = this.#vetoes(from, region);
      if (vetoed) this.fail(`${region} takes over from ${from} against the word of its healthy daemon`);
    }
    if (cause === "failback") {
      const good = [...this.#observersWith(region, (look) => look.good >= 1), region];
      if (good.length < 2) this.fail(`${region} leads buyers back though nobody else could see it answer`);
    }
  }

  /** By what its own checks could know by now; written out anew, since a rule must not be its own judge. */
  #judgeFit(region: string, wholeDown: boolean): void {
    const now = this.#clock.now();
    const floor = this.#script.plan.regions.find((one) => one.name === region)?.floor ?? Infinity;
    const { status, selling, ready, givesUp } = this.#truth.own(region);
    const always = (flag: RegionFlag, instants: readonly Instant[]): boolean => instants.every((at) => this.#truth.flags(region, at).has(flag));
    const lost = now - (this.#lostSince.get(region) ?? Infinity) > CHECKS_LAG_MS;
    const faults = [
      !selling || status === "unhealthy" ? "it cannot sell" : "",
      ready < floor ? `it has ${ready} pods of ${floor}` : "",
      givesUp !== null ? "it has given itself up" : "",
      lost || always("ingress_dead", [now, now - CHECKS_LAG_MS - SEEN_FOR_MS]) ? "nobody gets in" : "",
      !wholeDown && status === "degraded" ? "it is degraded, and the other one still serves" : "",
      // What it was worth as the incident began is not what it is worth now: judged where it was so from the start.
      !wholeDown && always("parity_failed", [this.#startedAt + 2_000, now - 75_000, now]) ? "its parity has failed, and the other one still serves" : "",
    ];
    for (const fault of faults) if (fault !== "") this.fail(`buyers are led to ${region}, which is unfit: ${fault}`);
  }

  /** Its daemon could be heard, by the one that decides or by one that this could ask, and has had time to know better. */
  #vetoes(current: string, by: string): boolean {
    const now = this.#clock.now();
    const calm = [now, now - CHECKS_LAG_MS].every((at) => [...this.#truth.flags(current, at)].every((flag) => flag === "hidden")) && now - (this.#troubledAt.get(current) ?? 0) > CHECKS_LAG_MS;
    const own = this.#looks.get(`${current}/${current}`);
    const passes = own !== undefined && own.good > LOOKS_NEEDED && now - own.at < SEEN_FOR_MS / 2;
    if (!calm || !passes || !this.#able.leads(current) || this.#truth.isBlind(current) || this.#truth.has((fault) => fault.kind === "slow")) return false;
    const near = (one: string, other: string): boolean => one === other || (this.#truth.connected(one, other) && now - (this.#apartAt.get(`${one}/${other}`) ?? 0) > CHECKS_LAG_MS);
    return this.#script.plan.regions.some(({ name }) => name !== current && this.#able.leads(name) && near(name, current) && near(by, name));
  }

  #observersWith(about: string, says: (look: Look) => boolean): readonly string[] {
    const now = this.#clock.now();
    return observersOf(this.#script.plan, about).filter((observer) => {
      const look = this.#looks.get(`${observer}/${about}`);
      return look !== undefined && now - look.at <= SEEN_FOR_MS && says(look);
    });
  }

  #bookOf(entry: string): Book {
    const found = this.#books.get(entry) ?? { right: this.#script.plan.regions[0]?.name ?? "", changedAt: this.#clock.now(), flipped: false, wrongSince: null };
    this.#books.set(entry, found);
    return found;
  }

  /** A late write is pushed aside within one interval, counted while the one who could do it can. */
  #expectRepair(entry: string): void {
    const book = this.#bookOf(entry);
    if (book.wrongSince === null) return;
    const now = this.#clock.now();
    const can = this.#isFitForAll(book.right) && this.#able.leads(book.right) && this.#canWrite(book.right);
    if (!can) book.wrongSince = now;
    else if (now - book.wrongSince > REPAIR_MS) {
      this.fail(`a late write stands on ${entry} for ${now - book.wrongSince} ms, and ${book.right} has not pushed it aside`);
      book.wrongSince = null;
    }
  }

  /** A region that is wholly lost is left within the time promised, where a fit target and most observers are connected. */
  #expectTakeover(current: string | null): void {
    const now = this.#clock.now();
    const target = current === null || !this.#truth.isWhollyDown(current) ? null : this.#targetFor(current);
    const key = `${current}>${target}`;
    if (target === null || key !== this.#ableFor) {
      if (target !== null) this.stats.promised += 1;
      this.#ableSince = target === null ? null : now;
      this.#ableFor = key;
      return;
    }
    if (this.#ableSince === null) this.#ableSince = now;
    const waited = now - this.#ableSince;
    this.stats.slowestMs = Math.max(this.stats.slowestMs, waited);
    if (waited <= PROMISED_MS) return;
    this.fail(`${current} has been lost for ${waited} ms, and ${target} has not taken over`);
    this.#ableSince = null;
    this.#ableFor = "failed";
  }

  /** Who has to take over from it, where nothing at all stands in the way; else null. */
  #targetFor(current: string): string | null {
    const truth = this.#truth;
    if (truth.has((fault) => fault.kind === "slow")) return null;
    const target = this.#script.plan.regions.map((one) => one.name).find((name) => name !== current && !truth.isWhollyDown(name));
    if (target === undefined || !this.#isFitForAll(target) || !this.#able.leads(target) || !this.#canWrite(target) || truth.isBlind(target)) return null;
    const observers = observersOf(this.#script.plan, current);
    const connected = observers.filter((name) => name === target || (this.#able.alive(name) && truth.connected(target, name) && !truth.isBlind(name) && !truth.isLost(name)));
    const needed = Math.max(this.#script.plan.rules.quorum, Math.floor(observers.length / 2) + 1);
    // A flip that reached one entry is one.
    const flipped = [...this.#books.values()].filter((book) => book.flipped).map((book) => book.changedAt);
    // The block is counted from when the flip was seen: later, where the provider could not be reached.
    const seenAt = Math.max(...flipped, (this.#apartAt.get(`${target}/provider`) ?? 0) + READ_MS);
    const blocked = flipped.length > 0 && this.#clock.now() - seenAt < this.#script.plan.rules.block;
    return connected.length >= needed && !blocked ? target : null;
  }

  #isFitForAll(region: string): boolean {
    const now = this.#clock.now();
    return [now, now - CHECKS_LAG_MS - SEEN_FOR_MS].every((at) => this.#truth.flags(region, at).size === 0) && !this.#truth.isLost(region);
  }

  #canWrite(region: string): boolean {
    const slow = this.#truth.has((fault) => fault.kind === "slow" && (fault.from === region || fault.to === region));
    return this.#truth.connected(region, "provider") && !slow && !this.#truth.mayPause(region) && this.#clock.now() - this.#providerTroubledAt > LEFT_ALONE_MS;
  }

  /** A promise is broken. */
  fail(text: string): void {
    if (this.violations.length < 20) this.violations.push(text);
  }
}
