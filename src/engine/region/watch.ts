/**
 * One observer: looks at every region from outside, and answers what others ask of it. All that a witness does.
 *
 * Each round asks the reference hosts in the same moment as the regions: a look that failed while none of them answers
 * either was our own network's, not theirs.
 */
import { copiesFor, initialOutside, seeOutside, verdictOf, type OutsideSight, type OutsideVerdict, type OutsideView } from "../../core/region/outside.ts";
import { MAX_REGIONS, type RegionName, type RegionPlan } from "../../core/region/region.ts";
import type { Ballot, Vote } from "../../core/region/vote.ts";
import type { Instant } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RegionEyes } from "../../ports/region-eyes.ts";
import { startRound, type Round } from "./in-time.ts";

export type WatchParts = {
  /** A region's or a witness's name. */
  readonly observer: string;
  readonly plan: RegionPlan;
  readonly eyes: RegionEyes;
  readonly clock: Clock;
};

export class RegionWatch {
  readonly #parts: WatchParts;
  readonly #views = new Map<RegionName, OutsideView>();
  #lookedAt: Instant = Number.NEGATIVE_INFINITY;

  constructor(parts: WatchParts) {
    this.#parts = parts;
    for (const { name } of parts.plan.regions) this.#views.set(name, initialOutside(parts.clock.now()));
  }

  views(): ReadonlyMap<RegionName, OutsideView> {
    return this.#views;
  }

  verdicts(): ReadonlyMap<RegionName, OutsideVerdict> {
    const now = this.#parts.clock.now();
    return new Map([...this.#views].map(([region, view]) => [region, verdictOf(view, now, this.#parts.plan.rules)]));
  }

  /**
   * Looks at every region once, within a round that ends with a look's deadline; what a stop cut short counts for nothing.
   *
   * Verdicts count looks, and two in one moment are one: where the last round began less than half a pause ago, as when
   * another takes the looks over, none is made.
   */
  async round(round: Round): Promise<void> {
    const { eyes, clock, plan } = this.#parts;
    if (clock.now() - this.#lookedAt < plan.rules.lookEvery / 2) return;
    this.#lookedAt = clock.now();
    const late: OutsideSight = { kind: "failed", detail: `no answer within ${plan.rules.lookDeadline} ms` };
    const online = round.orElse<boolean | null>(eyes.online(round.signal), () => false);
    const looks = plan.regions.map(async ({ name }) => ({ name, sight: await round.orElse(eyes.look(name, round.signal), () => late) }));
    const [reached, ...seen] = await Promise.all([online, ...looks]);
    if (round.isStopped()) return;
    const now = clock.now();
    for (const { name, sight } of seen) this.#see(name, guarded(sight, reached), now);
  }

  /** A round of its own, for an observer that does nothing else. */
  async step(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const round = startRound(this.#parts.clock, this.#parts.plan.rules.lookDeadline, signal);
    try {
      await this.round(round);
    } finally {
      round.end();
    }
  }

  /** What this observer says now, to whoever asks. */
  answer({ nonce, about }: Pick<Ballot, "nonce" | "about">): readonly Vote[] {
    const { observer, clock, plan } = this.#parts;
    const now = clock.now();
    return about.slice(0, MAX_REGIONS).flatMap((region) => {
      const view = this.#views.get(region);
      return view === undefined ? [] : [{ nonce, observer, about: region, says: verdictOf(view, now, plan.rules), copiesForMs: copiesFor(view, now), vetoed: false }];
    });
  }

  #see(region: RegionName, sight: OutsideSight, now: Instant): void {
    const view = this.#views.get(region) ?? initialOutside(now);
    this.#views.set(region, seeOutside(view, sight, now, this.#parts.plan.rules));
  }
}

/** What got through got through; what did not says nothing while nothing else does either. */
function guarded(sight: OutsideSight, online: boolean | null): OutsideSight {
  return sight.kind === "failed" && online === false ? { kind: "unknown", detail: `no reference host answers from here; seen: ${sight.detail}` } : sight;
}
