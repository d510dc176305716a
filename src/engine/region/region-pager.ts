/** Calls people because of regions: what each decision and each act means for the alerts that fire. */
import type { Alert } from "../../core/alert.ts";
import type { Roll } from "../../core/region/roll.ts";
import type { RegionName, RegionPlan } from "../../core/region/region.ts";
import type { RegionDecision } from "../../core/region/scene.ts";
import type { Instant } from "../../core/time.ts";
import type { AlertOutbox } from "../../ports/alert-outbox.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Unread } from "./desk.ts";
import { dueOf, followHeld, ring, ringAct, ringOver, ringRoll, type HeldSince, type PageParts, type Ringing } from "./region-pages.ts";
import type { RegionIntent, RegionState } from "./region-state.ts";
import { textOf, type RegionTeller } from "./region-told.ts";

export type PagerParts = {
  readonly plan: RegionPlan;
  readonly me: RegionName;
  readonly clock: Clock;
  readonly outbox: AlertOutbox;
  /** Alert destination; null: nobody is told, the ledger has it. */
  readonly alertRoute: string | null;
  /** Base of runbook links, without a trailing slash. */
  readonly runbooks: string;
  readonly teller: RegionTeller;
};

/** What is known beside the decision. */
export type Around = {
  readonly roll: Roll;
  /** Why nobody needs to look at earlier acts any more; null: somebody does. */
  readonly over: string | null;
  readonly unread: Unread | null;
  /** What a hold of a takeover is about, before its reasons; "": nothing. */
  readonly subject: string;
};

export class RegionPager {
  readonly #parts: PagerParts;
  readonly #pageParts: PageParts;
  #held: HeldSince = new Map();
  #heldSince: Instant = 0;

  constructor(parts: PagerParts) {
    this.#parts = parts;
    const { plan, me, runbooks } = parts;
    this.#pageParts = { site: plan.site, me, runbooks, disagreeFor: plan.rules.disagreeFor };
  }

  /** What is due, and what is over; the caller keeps what fires, and then sends. */
  follow(decision: RegionDecision, { roll, over, unread, subject }: Around, { firing: before, incident }: Pick<RegionState, "firing" | "incident">): Ringing {
    const now = this.#parts.clock.now();
    if (this.#held.size === 0) this.#heldSince = now;
    this.#held = followHeld(this.#held, decision, now);
    const due = dueOf(decision, this.#held, before, unread, this.#pageParts.disagreeFor, now);
    const because = ring(this.#pageParts, before, due, pageText(decision, subject), incident?.since ?? this.#heldSince, now);
    const ofRoll = ringRoll(this.#pageParts, because.firing, roll, this.#parts.plan, now);
    const ofActs = over === null ? { firing: ofRoll.firing, alerts: [] } : this.over(over, ofRoll.firing);
    return { firing: ofActs.firing, alerts: [...because.alerts, ...ofRoll.alerts, ...ofActs.alerts] };
  }

  /** Nobody needs to look at what this region did any more. @param why "buyers are led to eu now" */
  over(why: string, before: RegionState["firing"]): Ringing {
    return ringOver(this.#pageParts, before, why, this.#parts.clock.now());
  }

  /** Something was changed, whole or in part. */
  acted(intent: RegionIntent, text: string, before: RegionState["firing"]): Ringing {
    const what = intent.kind === "flip" ? `buyers are led to ${intent.to}, away from ${intent.from ?? "several regions"}` : `a late write was pushed aside; buyers are led to ${intent.to}`;
    return ringAct(this.#pageParts, before, intent, `${what}, epoch ${intent.epoch} (${intent.cause}): ${text}`, this.#parts.clock.now());
  }

  /** Never rejects. */
  async send(alerts: readonly Alert[]): Promise<void> {
    for (const alert of alerts) await this.#send(alert);
  }

  async #send(alert: Alert): Promise<void> {
    const { alertRoute, outbox, teller } = this.#parts;
    if (alertRoute === null) return;
    await outbox.enqueue(alertRoute, alert).catch((error: unknown) => teller.troubled("alerts", error instanceof Error ? error.message : String(error)));
  }
}

function pageText(decision: RegionDecision, subject: string): string {
  return decision.kind === "hold" && decision.about === "takeover" ? `${subject}${decision.reasons.map(({ text }) => text).join("; ")}` : textOf(decision);
}
