/**
 * Acting: the one protocol by which a decision becomes an effect.
 *
 * intent recorded → fence (still leader, precondition still true) → carried out
 * (hard deadline) → outcome recorded → awaiting verification → verified, or the
 * attempt failed → alert. Whatever interrupts it, the recorded intent stays, and
 * the next process asks the world what became of it (resume.ts).
 */
import type { Intent, IntentState } from "../core/intent.ts";
import type { Decision } from "../core/proposal.ts";
import type { TargetId } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { AlertOutbox } from "../ports/alert-outbox.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { Random } from "../ports/random.ts";
import type { StateStore } from "../ports/state-store.ts";
import { carryOut } from "./carry-out.ts";
import type { CarryOutParts, Fence } from "./carry-out.ts";
import { IntentBook, KEEP_RESOLVED_MS } from "./intent-book.ts";
import type { RecentAction } from "./intent-book.ts";
import { alertOf, appendOnce, entryOf } from "./outcomes.ts";
import { renewVerification, settleInterrupted } from "./resume.ts";
import type { JudgedCheck } from "./verify.ts";
import { SUPERSEDED, verification } from "./verify.ts";

export type { Fence, FenceAnswer } from "./carry-out.ts";
export type { RecentAction } from "./intent-book.ts";
export type { JudgedCheck } from "./verify.ts";

/** One process on one host leads itself. */
export const alwaysClear: Fence = () => Promise.resolve({ kind: "clear" });

export type ActDecision = Extract<Decision, { readonly kind: "act" }>;

export type ActorParts = CarryOutParts & {
  readonly site: string;
  readonly store: StateStore;
  readonly ledger: Ledger;
  readonly outbox: AlertOutbox;
  readonly random: Random;
  /** Alert destination for uncertain and failed actions; null: nobody is told, the ledger has it. */
  readonly alertRoute: string | null;
  /** Base of runbook links, without a trailing slash. */
  readonly runbooks: string;
  /** What went wrong beside the action itself (the ledger could not be written); for the log. */
  readonly problem: (text: string) => void;
};

export interface Actor {
  /**
   * The first thing to call: reads the stored intents and settles each that has no outcome.
   * @returns the intents it settled, in their new state (`awaiting_verification`, `verified`, `refused`, `uncertain`).
   */
  resume(signal?: AbortSignal): Promise<readonly Intent[]>;
  /**
   * Carries a decision out. Resolves with the intent in the state it reached: `awaiting_verification`,
   * `verified` (remedies verified by their effect), `refused` or `uncertain`; or `intended` still, where what became of it
   * cannot be read yet: `verify` settles it. At most one action runs
   * on a target at a time: a second one is refused without being recorded (its id is "").
   *
   * @param who "shopkeeper" (default), or the person of a manual command.
   * @throws {StateStoreError} the intent could not be recorded, so nothing was done; or the outcome could not be, and
   *   the intent stays open until `verify` settles it.
   */
  act(decision: ActDecision, who?: string, signal?: AbortSignal): Promise<Intent>;
  /**
   * Call after every judged tick: resolves the intents that await verification, settles those whose outcome
   * could not be recorded, prunes old ones. One that was followed by a later action on its target has not
   * helped, whatever the checks say now. Not to be called again before it resolves.
   * @returns the intents resolved by this call: `verified` or `not_verified` (a failed attempt for the ladder), or settled as by `resume`.
   */
  verify(checks: readonly JudgedCheck[], signal?: AbortSignal): Promise<readonly Intent[]>;
  /** Without an outcome, or awaiting verification; oldest first. */
  open(): readonly Intent[];
  /** One intent by id, open or not pruned yet. */
  intent(id: string): Intent | null;
  /** What cool-downs, back-off, the ladder and the budget count: stored actions of the last 24 h, at most 500; oldest first. Refused ones did nothing: skip them by `phase`. */
  recentActions(): readonly RecentAction[];
}

/** Pause between two tries of reading what could not be read. */
const RETRY_MS: Ms = 5_000;
/** A round of reading begins no further one after this. One reading has ACTION_MS of its own. */
const ROUND_MS: Ms = 2_000;
/** The newest intents whose ledger lines are checked at the start; one daemon has one action at a time in the making, on few targets. */
const COMPLETED = 50;

export function createActor(parts: ActorParts): Actor {
  return new RecordingActor(parts);
}

class RecordingActor implements Actor {
  readonly #parts: ActorParts;
  readonly #book: IntentBook;
  readonly #busy = new Set<TargetId>();
  /** By intent that cannot be told yet: since when it is asked for, and how its action ended. */
  readonly #unread = new Map<string, { readonly sentAt: Instant; readonly why: string }>();
  /** When the last round of reading what was open ended, with something left. */
  #triedAt: Instant = Number.NEGATIVE_INFINITY;
  /** By intent: when it was tried last, so that the ones that hang do not keep the others from ever being asked. */
  #lastTried = new Map<string, Instant>();

  constructor(parts: ActorParts) {
    this.#parts = parts;
    this.#book = new IntentBook(parts.store);
  }

  async resume(signal?: AbortSignal): Promise<readonly Intent[]> {
    const now = this.#parts.clock.now();
    for (const key of await this.#book.load()) this.#parts.problem(`stored intent ${key} cannot be understood; it is left where it is`);
    await this.#completeLedger();
    for (const intent of this.#book.open()) {
      if (intent.state.phase === "awaiting_verification") await this.#book.advance(intent.id, renewVerification(intent, now));
    }
    return this.#settleUnrecorded(signal);
  }

  async act(decision: ActDecision, who = "shopkeeper", signal?: AbortSignal): Promise<Intent> {
    const intent = this.#intentOf(decision, who);
    const { target } = intent.proposal;
    if (this.#isBusy(target)) {
      return { ...intent, id: "", state: { phase: "refused", endedAt: intent.recordedAt, reason: `another action on ${target} is under way` } };
    }
    this.#busy.add(target);
    try {
      await this.#book.record(intent);
      await this.#write(intent);
      const { state, why } = await carryOut(intent, this.#parts, signal);
      if (state.phase !== "intended") return await this.#become(intent, state);
      this.#unread.set(intent.id, { sentAt: this.#parts.clock.now(), why });
      return intent;
    } finally {
      this.#busy.delete(target);
    }
  }

  async verify(checks: readonly JudgedCheck[], signal?: AbortSignal): Promise<readonly Intent[]> {
    const resolved = [...(await this.#settleUnrecorded(signal))];
    for (const intent of this.#book.open()) {
      const now = this.#parts.clock.now();
      if (intent.state.phase !== "awaiting_verification") continue;
      const { doneAt } = intent.state;
      const later = this.#book.after(intent);
      // What helps now is not known to be this one.
      if (later === "under_way") continue;
      const verdict = later === "done" ? SUPERSEDED : verification(intent, checks, now, this.#parts.remedies.get(intent.proposal.remedy)?.verifiedBy);
      if (verdict.kind === "verified") resolved.push(await this.#become(intent, { phase: "verified", doneAt, verifiedAt: verdict.at }));
      if (verdict.kind === "failed") resolved.push(await this.#become(intent, { phase: "not_verified", doneAt, endedAt: now, reason: verdict.reason }));
    }
    await this.#book.prune(this.#parts.clock.now());
    return resolved;
  }

  open(): readonly Intent[] {
    return this.#book.open();
  }

  intent(id: string): Intent | null {
    return this.#book.get(id);
  }

  recentActions(): readonly RecentAction[] {
    return this.#book.recent(this.#parts.clock.now());
  }

  #intentOf(decision: ActDecision, who: string): Intent {
    return {
      id: this.#parts.random.id(),
      proposal: decision.proposal,
      attempt: decision.attempt,
      recordedAt: this.#parts.clock.now(),
      verifyWithin: decision.verifyWithin,
      who,
      state: { phase: "intended" },
    };
  }

  #isBusy(target: TargetId): boolean {
    if (this.#busy.has(target)) return true;
    return this.#book.open().some((intent) => intent.proposal.target === target && intent.state.phase === "intended");
  }

  async #settleUnrecorded(signal?: AbortSignal): Promise<readonly Intent[]> {
    const unsettled = this.#book.open().filter(({ state, proposal }) => state.phase === "intended" && !this.#busy.has(proposal.target));
    const began = this.#parts.clock.now();
    if (unsettled.length === 0 || began - this.#triedAt < RETRY_MS) return [];
    const triedAt = ({ id }: Intent): Instant => this.#lastTried.get(id) ?? Number.NEGATIVE_INFINITY;
    const settled: Intent[] = [];
    const left = new Map<string, Instant>();
    for (const intent of unsettled.toSorted((a, b) => triedAt(a) - triedAt(b))) {
      // While nothing answers, each reading takes all of its time, and whoever waits for this round looks at nothing.
      const now = this.#parts.clock.now();
      const unread = this.#unread.get(intent.id) ?? { sentAt: now, why: "" };
      this.#unread.set(intent.id, unread);
      const state = now - began < ROUND_MS ? await settleInterrupted(intent, this.#parts, unread, signal) : intent.state;
      if (state.phase === "intended") left.set(intent.id, now - began < ROUND_MS ? now : triedAt(intent));
      else {
        this.#unread.delete(intent.id);
        settled.push(await this.#become(intent, state));
      }
    }
    this.#lastTried = left;
    if (left.size > 0) this.#triedAt = this.#parts.clock.now();
    return settled;
  }

  /** The alert comes before the state, so that it cannot be lost: a repetition has the same key. The ledger comes last: `resume` adds what is missing. */
  async #become(intent: Intent, state: IntentState): Promise<Intent> {
    const next = { ...intent, state };
    // An episode says once that its attempts do not help; giving up has an alert of its own.
    const repeated = state.phase === "not_verified" && this.#book.earlierAttempts(intent).some((earlier) => earlier.state.phase === "not_verified");
    const alert = repeated ? null : alertOf(next, this.#parts.site, this.#parts.runbooks, this.#parts.clock.now());
    if (alert !== null && this.#parts.alertRoute !== null) await this.#parts.outbox.enqueue(this.#parts.alertRoute, alert);
    const advanced = await this.#book.advance(intent.id, state);
    await this.#write(advanced);
    return advanced;
  }

  /** An earlier process may have died between a state and its line in the ledger. */
  async #completeLedger(): Promise<void> {
    for (const intent of this.#book.all().filter((kept) => kept.recordedAt > this.#parts.clock.now() - KEEP_RESOLVED_MS).slice(-COMPLETED)) {
      await this.#write({ ...intent, state: { phase: "intended" } });
      if (intent.state.phase !== "intended") await this.#write(intent);
    }
  }

  /** The ledger is for people: that it cannot be written must not stop a recovery, only be said. */
  async #write(intent: Intent): Promise<void> {
    try {
      await appendOnce(this.#parts.ledger, entryOf(intent, this.#parts.clock.now()), intent.recordedAt);
    } catch (error) {
      this.#parts.problem(`ledger: ${error instanceof Error ? error.message : "could not be written"} (intent ${intent.id})`);
    }
  }
}
