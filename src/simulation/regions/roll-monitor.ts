/**
 * Observers that are silent, held against what each region's leader says of them: a long silence is shown, too few of them
 * page within a few minutes and once, and never while enough could speak.
 */
import type { Alert } from "../../core/alert.ts";
import { observersOf } from "../../core/region/region.ts";
import type { Presence } from "../../core/region/roll.ts";
import type { Instant, Ms } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Script } from "./script.ts";
import type { Truth } from "./truth.ts";

/** Between two rounds, and until the step after has told. */
const ROUND_MS: Ms = 70_000;
/** From the beginning of a leadership or of a silence: the first round, and two more. */
const PAGED_MS: Ms = 200_000;
/** A provider that was in trouble may be left alone for this long, and whoever begins to lead meanwhile knows nothing. */
const LEFT_ALONE_MS: Ms = 310_000;
/** When the three rounds before a page were, counted back from it. */
const ROUNDS: readonly { readonly from: Ms; readonly to: Ms }[] = [{ from: 132_000, to: 117_000 }, { from: 70_000, to: 57_000 }, { from: 8_000, to: 0 }];
/** Two and a half minutes of ticks. */
const SAMPLES_KEPT = 300;
/** The presence that a leader shows is looked at every so many ticks. */
const SHOWN_EVERY = 10;

/** yes: it could surely speak. no: it surely could not. maybe: the simulation cannot tell either. */
type Able = "yes" | "no" | "maybe";
type Sample = { readonly at: Instant; readonly enough: boolean };
type Followed = {
  term: string;
  firing: boolean;
  enoughSince: Instant | null;
  fewSince: Instant | null;
  /** One of each tick. */
  samples: Sample[];
  readonly since: Map<string, { readonly able: Able; readonly at: Instant }>;
};

export type RollAround = {
  readonly script: Script;
  readonly truth: Truth;
  readonly clock: Clock;
  /** Of a region's leader: another name for each leadership; null: nobody leads, or may act. */
  readonly term: (region: string) => string | null;
  /** An observer that answers. */
  readonly alive: (observer: string) => boolean;
  /** As the region's leader shows it; null: nobody leads. */
  readonly shown: (region: string) => readonly Presence[] | null;
  readonly fail: (text: string) => void;
};

export class RollMonitor {
  readonly #around: RollAround;
  readonly #regions = new Map<string, Followed>();
  #flipped = false;
  #ticks = 0;
  #providerTroubledAt: Instant = Number.NEGATIVE_INFINITY;
  /** People called. */
  pages = 0;
  /** Silences of over a minute that a leader showed. */
  shown = 0;

  constructor(around: RollAround) {
    this.#around = around;
    for (const { name } of around.script.plan.regions) this.#regions.set(name, { term: "", firing: false, enoughSince: null, fewSince: null, samples: [], since: new Map() });
  }

  /** From now on where buyers are led may be known to some and not to others. */
  written(): void {
    this.#flipped = true;
  }

  alerted(region: string, { reason, state }: Alert): void {
    const followed = this.#regions.get(region);
    if (reason !== "region_observers_few" || followed === undefined) return;
    if (state === "resolved") {
      followed.firing = false;
      return;
    }
    this.pages += 1;
    if (followed.firing) this.#around.fail(`${region} calls a person twice because of one lack of observers`);
    followed.firing = true;
    const now = this.#around.clock.now();
    const wrong = ROUNDS.find(({ from, to }) => !followed.samples.some(({ at, enough }) => !enough && at >= now - from && at <= now - to));
    if (wrong !== undefined) this.#around.fail(`${region} calls a person for too few observers, though ${wrong.to} to ${wrong.from} ms before there were enough`);
  }

  /** Twice a second. */
  tick(): void {
    const { truth, clock } = this.#around;
    const now = clock.now();
    this.#ticks += 1;
    if (truth.providerMode() !== null) this.#providerTroubledAt = now;
    for (const [region, followed] of this.#regions) {
      this.#follow(region, followed, now);
      this.#judge(region, followed, now);
    }
  }

  #follow(region: string, followed: Followed, now: Instant): void {
    const { script, truth } = this.#around;
    const term = this.#around.term(region);
    if (term !== null && term !== followed.term) beginAnew(followed, term);
    const knows = term !== null && !truth.isBlind(region) && truth.connected(region, "provider") && now - this.#providerTroubledAt > LEFT_ALONE_MS;
    for (const observer of [...script.plan.regions.map(({ name }) => name), ...script.plan.witnesses]) {
      if (observer === region) continue;
      const able = knows ? this.#able(region, observer) : "maybe";
      if (followed.since.get(observer)?.able !== able) followed.since.set(observer, { able, at: now });
    }
    const counts = (wanted: (able: Able | undefined) => boolean): readonly number[] =>
      this.#ledTo().map((about) => observersOf(script.plan, about).filter((name) => name === region || wanted(followed.since.get(name)?.able)).length);
    const enough = knows && counts((able) => able === "yes").every((count) => count >= script.plan.rules.quorum);
    const few = knows && counts((able) => able !== "no").every((count) => count < script.plan.rules.quorum);
    followed.enoughSince = enough ? (followed.enoughSince ?? now) : null;
    followed.fewSince = few ? (followed.fewSince ?? now) : null;
    followed.samples.push({ at: now, enough });
    if (followed.samples.length > SAMPLES_KEPT) followed.samples.shift();
  }

  #judge(region: string, followed: Followed, now: Instant): void {
    const { fail, shown } = this.#around;
    const { enoughSince, fewSince, firing } = followed;
    if (fewSince !== null && !firing && now - fewSince > PAGED_MS) {
      fail(`${region} has had too few observers for ${now - fewSince} ms, and nobody was called`);
      followed.fewSince = null;
    }
    if (enoughSince !== null && firing && now - enoughSince > ROUND_MS) {
      fail(`${region} has had enough observers for ${now - enoughSince} ms, and the page still fires`);
      followed.firing = false;
    }
    if (this.#ticks % SHOWN_EVERY !== 0) return;
    const present = shown(region);
    for (const { observer, askedAt, heardAt, why } of present ?? []) {
      const since = followed.since.get(observer);
      // A new leader's first round may be a minute away.
      if (since === undefined || since.able === "maybe" || now - since.at <= ROUND_MS) continue;
      const heard = askedAt !== null && heardAt === askedAt;
      if (since.able === "yes" && !heard) fail(`${region} shows ${observer} as silent, which has been there for ${now - since.at} ms`);
      if (since.able === "no" && (heard || why === null)) fail(`${region} does not show that ${observer} has been silent for ${now - since.at} ms`);
      if (since.able === "no") this.shown += 1;
    }
  }

  #able(region: string, observer: string): Able {
    const { truth, alive } = this.#around;
    if (!alive(observer) || !truth.connected(region, observer)) return "no";
    const slow = truth.has((fault) => fault.kind === "slow" && [fault.from, fault.to].includes(region) && [fault.from, fault.to].includes(observer));
    return slow || truth.isBlind(observer) ? "maybe" : "yes";
  }

  /** Where buyers may be led, as any of them knows it. */
  #ledTo(): readonly string[] {
    const names = this.#around.script.plan.regions.map(({ name }) => name);
    return this.#flipped ? names : names.slice(0, 1);
  }
}

/** What fires is the next leader's too; what was asked is not. */
function beginAnew(followed: Followed, term: string): void {
  followed.since.clear();
  Object.assign(followed, { term, enoughSince: null, fewSince: null, samples: [] } satisfies Partial<Followed>);
}
