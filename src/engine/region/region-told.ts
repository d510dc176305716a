/**
 * One place per event: how each step of the region loop reads in the ledger, and who else is told. Telling never waits
 * and never fails the caller.
 */
import type { LedgerKind } from "../../core/ledger-entry.ts";
import type { RegionPlan } from "../../core/region/region.ts";
import { describeRoll, type Roll } from "../../core/region/roll.ts";
import type { RegionDecision } from "../../core/region/scene.ts";
import type { Standing } from "../../core/region/standing.ts";
import type { Instant, Ms } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { RegionIntent } from "./region-state.ts";

export type RegionEvent =
  /** `repeated`: the same answer as at the step before. */
  | { readonly kind: "decided"; readonly at: Instant; readonly decision: RegionDecision; readonly repeated: boolean }
  | { readonly kind: "intended"; readonly at: Instant; readonly intent: RegionIntent }
  | { readonly kind: "ended"; readonly at: Instant; readonly intent: RegionIntent; readonly outcome: "done" | "partly" | "refused" | "uncertain"; readonly text: string; /** From the first look that failed until the flip was done; null: it was not, or nothing was wrong. */ readonly sinceFaultMs: Ms | null }
  /** What stands at the provider has changed, or is known for the first time. */
  | { readonly kind: "stands"; readonly at: Instant; readonly text: string }
  /** Who could speak in an incident has changed, or is known for the first time. `lacking`: observers who could not. */
  | { readonly kind: "called"; readonly at: Instant; readonly lacking: readonly string[]; readonly text: string }
  | { readonly kind: "troubled"; readonly at: Instant; readonly where: "state" | "provider" | "alerts" | "ledger"; readonly detail: string };

export type RegionListener = (event: RegionEvent) => void;

/** Entries on their way; beyond it the newest is dropped and told as trouble. */
const MAX_PENDING = 100;
/** A trouble that comes back the next night is news. */
const TOLD_AGAIN: Ms = 3_600_000;

export class RegionTeller {
  readonly #parts: { readonly me: string; readonly ledger: Ledger; readonly clock: Clock; readonly told: RegionListener };
  #pending = 0;
  /** What was said last of the same, so that it is said once. */
  #answer = "";
  #lacking: string | null = null;
  /** By where it was met: what was told last, and when. */
  readonly #troubles = new Map<string, { readonly detail: string; readonly at: Instant }>();

  constructor(parts: { readonly me: string; readonly ledger: Ledger; readonly clock: Clock; readonly told: RegionListener }) {
    this.#parts = parts;
  }

  decided(decision: RegionDecision): void {
    const at = this.#parts.clock.now();
    const answer = foldOf(decision);
    const repeated = answer === this.#answer;
    this.#answer = answer;
    this.#parts.told({ kind: "decided", at, decision, repeated });
    if (repeated || decision.kind === "stay") return;
    this.#write(decision.kind === "hold" ? "hold" : "decision", "shopkeeper", textOf(decision), "", answer, {});
  }

  intended(intent: RegionIntent): void {
    this.#parts.told({ kind: "intended", at: this.#parts.clock.now(), intent });
    this.#write("intent", intent.who, `${intent.kind} to ${intent.to}, epoch ${intent.epoch} (${intent.cause})`, intent.id, "", { from: intent.from ?? "" });
  }

  ended(intent: RegionIntent, outcome: "done" | "partly" | "refused" | "uncertain", text: string, sinceFaultMs: Ms | null): void {
    this.#parts.told({ kind: "ended", at: this.#parts.clock.now(), intent, outcome, text, sinceFaultMs });
    this.#write("outcome", intent.who, `${intent.kind} to ${intent.to}, epoch ${intent.epoch}: ${outcome}: ${text}`, intent.id, "", { outcome, ...(sinceFaultMs === null ? {} : { sinceFaultMs }) });
  }

  stands(text: string): void {
    this.#parts.told({ kind: "stands", at: this.#parts.clock.now(), text });
    this.#write("note", "shopkeeper", text, "", "", {});
  }

  /** Another reason for the same silence is no news. */
  called(roll: Roll, plan: RegionPlan, at: Instant): void {
    const lacking = roll.quorum?.lacking ?? null;
    if (lacking === null || lacking.join() === this.#lacking) return;
    this.#lacking = lacking.join();
    this.#parts.told({ kind: "called", at, lacking, text: describeRoll(roll, plan, at) });
  }

  troubled(where: "state" | "provider" | "alerts" | "ledger", detail: string): void {
    // Of one trouble once an hour, however often it is met and whatever is met beside it.
    const at = this.#parts.clock.now();
    const before = this.#troubles.get(where);
    if (before?.detail === detail && at - before.at < TOLD_AGAIN) return;
    this.#troubles.set(where, { detail, at });
    this.#parts.told({ kind: "troubled", at, where, detail });
  }

  #write(kind: LedgerKind, who: string, text: string, actionId: string, foldKey: string, details: Readonly<Record<string, unknown>>): void {
    const { ledger, clock, me } = this.#parts;
    if (this.#pending >= MAX_PENDING) return this.troubled("ledger", `${MAX_PENDING} entries wait already; dropped: ${text}`);
    this.#pending += 1;
    void ledger
      .append({ at: clock.now(), kind, target: `region/${me}`, subject: "region", text, who, actionId, details, foldKey })
      .then(
        () => undefined,
        (error: unknown) => this.troubled("ledger", error instanceof Error ? error.message : String(error)),
      )
      .finally(() => (this.#pending -= 1));
  }
}

/** A decision in one sentence. */
export function textOf(decision: RegionDecision): string {
  switch (decision.kind) {
    case "stay":
      return `stay: ${decision.why}`;
    case "hold":
      return `hold (${decision.about}): ${decision.reasons.map((one) => one.text).join("; ")}`;
    case "flip":
      return `flip from ${decision.from ?? "several regions"} to ${decision.to}, epoch ${decision.epoch} (${decision.cause}${decision.by.length === 0 ? "" : `, by ${decision.by.join(", ")}`})${decision.warns.length === 0 ? "" : `; though ${decision.warns.join("; ")}`}`;
    case "repair":
      return `put the mark of ${decision.to} epoch ${decision.epoch} back over ${decision.over.join(", ")}`;
  }
}

/** Equal for decisions that differ only in how long something still takes. */
function foldOf(decision: RegionDecision): string {
  switch (decision.kind) {
    case "stay":
      return decision.kind;
    case "hold":
      return `${decision.kind}/${decision.about}/${decision.reasons.map((one) => one.code).join(",")}`;
    case "flip":
    case "repair":
      return `${decision.kind}/${decision.epoch}`;
  }
}

/** What stands at the provider, in one sentence; empty before it was read. */
export function describeStanding(standing: Standing): string {
  switch (standing.kind) {
    case "unread":
      return "";
    case "not_ours":
      return `the records are not ours to change: ${standing.why}`;
    case "steered":
      return `the provider's own health checks decide where buyers are led${standing.prefers === null ? "" : `; they prefer ${standing.prefers}`}`;
    case "ours":
      return `buyers are led to ${standing.leadsTo ?? "several regions"}; ${standing.right.region} epoch ${standing.right.epoch} is right${standing.whole ? "" : `, and beside it stands ${standing.others.join(", ")}`}`;
  }
}
