/**
 * Acts on the records by the one protocol of acting: intent recorded → fence (still leader, renewed a moment ago, decided a
 * moment ago) → each entry compared and written → read back → outcome. One at a time, beside the looks.
 */
import type { RegionMark } from "../../core/region/mark.ts";
import type { RegionDecision } from "../../core/region/scene.ts";
import type { Standing } from "../../core/region/standing.ts";
import { answeredAgain, failedTry, NO_TRIES, type Tries } from "../../core/region/tries.ts";
import type { Instant, Ms } from "../../core/time.ts";
import type { Random } from "../../ports/random.ts";
import type { Traffic, TrafficEntry } from "../../ports/traffic.ts";
import type { ProviderDesk } from "./desk.ts";
import type { KeptState } from "./kept-state.ts";
import type { PagerParts, RegionPager } from "./region-pager.ts";
import type { RegionIntent } from "./region-state.ts";
import { switchEntries, type Switched } from "./switching.ts";

export type ActParts = PagerParts & {
  readonly traffic: Traffic;
  readonly random: Random;
  /** Still leader of this region, renewed less than 10 s ago; asked just before each change. */
  readonly mayAct: () => boolean;
  readonly kept: KeptState;
  readonly desk: ProviderDesk;
  readonly pager: RegionPager;
  /** What an act has learned of the entries. */
  readonly learned: (entries: readonly TrafficEntry[]) => void;
};

export type Ended = { readonly outcome: "done" | "partly" | "refused" | "uncertain"; readonly text: string };

type Act = Extract<RegionDecision, { readonly kind: "flip" | "repair" }>;

/** A decision older than this is made anew before anything is written. */
const DECIDED_FOR: Ms = 3_000;
const MAX_REPAIRS_KEPT = 20;

export class RegionActs {
  readonly #parts: ActParts;
  #tries: Tries = NO_TRIES;
  #underWay: Promise<void> | null = null;
  #lastAt: Instant = Number.NEGATIVE_INFINITY;
  /** The newest flip that was begun here, and the newest epoch under which every entry was seen to bear the right mark. */
  #flipped = 0;
  #wholeUnder = 0;
  #ended: Ended | null = null;

  constructor(parts: ActParts) {
    this.#parts = parts;
  }

  tries(): Tries {
    return this.#tries;
  }

  isUnderWay(): boolean {
    return this.#underWay !== null;
  }

  /** When something was changed last, by this region or by another. */
  lastAt(): Instant {
    return this.#lastAt;
  }

  /** What became of the newest; null: that is not known, or none was begun. */
  ended(): Ended | null {
    return this.#ended;
  }

  /** Resolves once none is under way. */
  async settled(): Promise<void> {
    while (this.#underWay !== null) await this.#underWay;
  }

  /** What the provider did before says nothing of what is to be done now. */
  forgetTries(): void {
    this.#tries = NO_TRIES;
  }

  /** The provider was read. @param raised another flip has become right. */
  stands(standing: Standing, raised: boolean): void {
    if (raised) this.#lastAt = this.#parts.clock.now();
    if (standing.kind === "ours" && standing.whole) this.#wholeUnder = standing.right.epoch;
  }

  /** A reading of all entries came in beside the acts. */
  read(entries: readonly TrafficEntry[]): void {
    this.#tries = answeredAgain(this.#tries, this.#parts.clock.now());
    const { intent } = this.#parts.kept.now;
    if (this.#underWay === null && intent !== null) this.#settleByReading(intent, entries);
  }

  mark(epoch: number): RegionMark {
    const { plan, me, clock } = this.#parts;
    return { site: plan.site, region: me, epoch, flippedAt: Math.max(0, Math.floor(clock.wall() / 1_000)) };
  }

  start(decision: Act, signal: AbortSignal): void {
    this.#ended = null;
    const one = this.#carryOut(this.#intentOf(decision), signal)
      .catch((error: unknown) => this.#parts.teller.troubled("state", error instanceof Error ? error.message : String(error)))
      .finally(() => {
        if (this.#underWay === one) this.#underWay = null;
      });
    this.#underWay = one;
  }

  #intentOf(decision: Act): RegionIntent {
    const id = this.#parts.random.id();
    if (decision.kind === "flip") {
      this.#flipped = decision.epoch;
      return { id, kind: "flip", to: decision.to, from: decision.from, epoch: decision.epoch, cause: decision.cause, who: decision.who };
    }
    // An entry that never bore the mark was not turned by a late write: the flip has not reached it yet.
    const kind = this.#flipped === decision.epoch && this.#wholeUnder < decision.epoch ? "complete" : "repair";
    return { id, kind, to: decision.to, from: null, epoch: decision.epoch, cause: `over ${decision.over.join(", ")}`, who: "shopkeeper" };
  }

  /** The first question of whoever finds an act without an outcome. */
  #settleByReading(intent: RegionIntent, entries: readonly TrafficEntry[]): void {
    const landed = entries.filter((entry) => entry.mark?.region === intent.to && entry.mark.epoch === intent.epoch);
    const outcome = landed.length === entries.length ? "done" : landed.length > 0 ? "partly" : "refused";
    this.#end(intent, outcome, landed.length === 0 ? "reading shows that it did not land" : `reading shows it in ${landed.length} of ${entries.length} entries`);
    if (outcome === "done") this.#tries = NO_TRIES;
  }

  async #carryOut(intent: RegionIntent, signal: AbortSignal): Promise<void> {
    const { kept, desk, clock, teller, traffic, mayAct } = this.#parts;
    const decidedAt = clock.now();
    kept.set({ intent });
    try {
      await kept.save();
    } catch (error) {
      // Nothing is done that is not recorded. It may be recorded all the same: the next write over it says that it is not open.
      kept.set({ intent: null });
      throw error;
    }
    teller.intended(intent);
    if (!mayAct()) return this.#end(intent, "refused", "this daemon may no longer act for its region");
    if (clock.now() - decidedAt > DECIDED_FOR) return this.#end(intent, "refused", "too much time has passed since it was decided");
    const mark = this.mark(intent.epoch);
    desk.begin(mark);
    const done = await switchEntries(traffic, clock, desk.entries(), mark, signal);
    this.#lastAt = clock.now();
    await this.#settle(intent, done, decidedAt);
  }

  async #settle(intent: RegionIntent, done: Switched, beganAt: Instant): Promise<void> {
    const { kept, desk, clock, plan, teller, learned } = this.#parts;
    const now = clock.now();
    // It was accepted, so it has stood, whoever wrote over it since; and what had to be put back has stood from now on only.
    if (done.accepted && intent.epoch >= (kept.now.memory?.epoch ?? 0)) kept.set({ memory: { region: intent.to, epoch: intent.epoch, since: now, found: false } });
    learned(desk.learn(done));
    this.#tries = done.failure === null ? NO_TRIES : failedTry(this.#tries, done.failure, beganAt, now, plan.rules);
    // A completion that is written over again and again is somebody who insists, too.
    if (intent.kind !== "flip" && done.accepted) kept.set({ repairedAt: [...kept.now.repairedAt, now].slice(-MAX_REPAIRS_KEPT) });
    if (done.uncertain !== null) {
      this.#ended = { outcome: "uncertain", text: done.uncertain };
      return teller.ended(intent, "uncertain", done.uncertain, null);
    }
    const whole = done.outcomes.every(({ outcome }) => outcome.kind === "switched");
    const text = done.outcomes.map(({ entry, outcome }) => `${entry.name} ${outcome.kind === "failed" ? outcome.why : outcome.kind}`).join(", ");
    this.#end(intent, whole ? "done" : done.accepted ? "partly" : "refused", text);
    await kept.save();
  }

  #end(intent: RegionIntent, outcome: "done" | "partly" | "refused", text: string): void {
    this.#ended = { outcome, text };
    const { kept, pager, clock, teller } = this.#parts;
    const { incident } = kept.now;
    const fault = outcome === "done" && intent.kind === "flip" && incident?.about === intent.from ? incident.since : null;
    teller.ended(intent, outcome, text, fault === null ? null : clock.now() - fault);
    kept.set({ intent: null });
    if (outcome === "refused" || intent.kind === "complete") return;
    const { firing, alerts } = pager.acted(intent, text, kept.now.firing);
    kept.set({ firing });
    void pager.send(alerts);
  }
}
