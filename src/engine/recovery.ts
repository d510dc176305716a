/**
 * The recovery loop: judged looks in, decisions out.
 *
 * One step at a time: what awaits verification is resolved, triggers are evaluated, remedies prepare
 * what fires, guards answer, decisions are carried out, recorded, or told to a person.
 * Steps come with news and with time, and coalesce.
 */
import type { Asked } from "../core/decide.ts";
import { decide, decideManual } from "../core/decide.ts";
import type { Intent } from "../core/intent.ts";
import type { Observation } from "../core/observation.ts";
import type { PolicySpec } from "../core/policy.ts";
import type { Decision } from "../core/proposal.ts";
import type { Scene } from "../core/scene.ts";
import type { EpisodeView, HoldView } from "../core/snapshot.ts";
import type { LookKey, TargetId } from "../core/target.ts";
import type { Ms } from "../core/time.ts";
import type { AlertOutbox } from "../ports/alert-outbox.ts";
import type { Clock } from "../ports/clock.ts";
import type { Decided, Troubled } from "../ports/events.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { StateStore } from "../ports/state-store.ts";
import type { Actor } from "./act.ts";
import { createDecisionLog } from "./decision-log.ts";
import type { DecisionLog } from "./decision-log.ts";
import { EpisodeBook } from "./episode-book.ts";
import { callOf, escalationAlert, resolvedAlert } from "./escalation.ts";
import { Findings } from "./findings.ts";
import type { Lifted } from "./lift.ts";
import { liftWhatIsOver } from "./lift.ts";
import { nextChange } from "./next-change.ts";
import { manualProposal, propose } from "./propose.ts";
import type { ProposeParts } from "./propose.ts";
import { isQuiet, quietWait, StepPace } from "./step-pace.ts";
import { SceneTaker } from "./take-scene.ts";
import type { RecoveryView, SceneParts } from "./take-scene.ts";

export type { RecoveryView } from "./take-scene.ts";

export type RecoveryParts = ProposeParts &
  SceneParts & {
    readonly site: string;
    /** With the modes in force, promotions included. */
    readonly policies: () => readonly PolicySpec[];
    readonly actor: Actor;
    readonly view: RecoveryView;
    readonly clock: Clock;
    readonly store: StateStore;
    readonly ledger: Ledger;
    readonly outbox: AlertOutbox;
    /** Base of runbook links, without a trailing slash. */
    readonly runbooks: string;
    readonly decided: (event: Decided) => void;
    /** An intent reached `awaiting_verification`, `verified`, `refused` or `uncertain` by acting. The runs of its target's checks are to be reset when it was carried out. */
    readonly acted: (intent: Intent, tookMs: Ms) => void;
    /** An intent was resolved by its checks: `verified`, `not_verified`, or settled after an interruption. */
    readonly verified: (intent: Intent) => void;
    /** A policy took back what it held. */
    readonly lifted: (lifted: Lifted) => void;
    readonly troubled: (where: Troubled["where"], detail: string) => void;
  };

export type ManualOutcome =
  | { readonly kind: "acted"; readonly intent: Intent }
  /** A dry run that would have been carried out. */
  | { readonly kind: "would"; readonly decision: Decision }
  | { readonly kind: "held"; readonly guard: string; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string };

export interface Recovery {
  /** Loads the episodes. Call once, after `actor.resume()`. @throws {StateStoreError} */
  start(): Promise<void>;
  /** After each judged observation: remembers it for windows and makes a step. Never waits. */
  observed(key: LookKey, seen: Observation): void;
  /** Nobody looks there any more. */
  forget(keys: readonly LookKey[]): void;
  /** Something a guard reads has changed (a pause, a breaker, a mode): decide again. */
  wake(): void;
  /** A person restarts a target: cool-downs, ladder, pause, windows and modes do not count; the safety checks do. Re-arms the ladders of its workload. */
  restart(order: { readonly target: TargetId; readonly who: string; readonly why: string; readonly dryRun: boolean }): Promise<ManualOutcome>;
  /** Holds in force, one per policy and target. */
  holds(): readonly HoldView[];
  episodes(): readonly EpisodeView[];
  /** Resolves when no step and no action is under way. */
  idle(): Promise<void>;
  /** No further steps; resolves when what runs has ended. */
  stop(): Promise<void>;
}

export function createRecovery(parts: RecoveryParts): Recovery {
  return new SteppingRecovery(parts);
}

/** Steps within one instant; what still wakes itself then is made to wait. */
const MAX_STEPS_AT_ONCE = 100;
const BREATH_MS: Ms = 1_000;

class SteppingRecovery implements Recovery {
  readonly #parts: RecoveryParts;
  readonly #scenes: SceneTaker;
  readonly #book: EpisodeBook;
  readonly #log: DecisionLog;
  readonly #findings = new Findings();
  readonly #stopping = new AbortController();
  readonly #acting = new Set<Promise<void>>();
  #loop: Promise<void> | null = null;
  #dirty = false;
  #started = false;
  #cancelTimer: (() => void) | null = null;
  readonly #pace: StepPace;
  readonly #quietWait: ReturnType<typeof quietWait>;
  /** A trigger fired at the last step. */
  #firing = false;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
    this.#scenes = new SceneTaker(parts, parts.policies());
    this.#quietWait = quietWait(parts.policies());
    this.#book = new EpisodeBook(parts.store);
    this.#pace = new StepPace(parts.clock, () => this.wake());
    this.#log = createDecisionLog({ ledger: parts.ledger, decided: parts.decided, troubled: (detail) => parts.troubled("ledger", detail) });
  }

  async start(): Promise<void> {
    for (const key of await this.#book.load()) this.#parts.troubled("state", `stored episode ${key} cannot be understood; it is left where it is`);
    this.#started = true;
    this.wake();
  }

  observed(key: LookKey, seen: Observation): void {
    this.#scenes.observed(key, seen);
    const { actor, roll, view } = this.#parts;
    // While anything is being done or verified, every look counts.
    const quiet = this.#acting.size === 0 && actor.open().length === 0 && isQuiet(key, seen, roll.checks, view.checks());
    if (quiet) this.#pace.within(this.#quietWait(seen, this.#firing));
    else this.wake();
  }

  forget(keys: readonly LookKey[]): void {
    this.#scenes.forget(keys);
    this.wake();
  }

  wake(): void {
    this.#dirty = true;
    if (this.#loop !== null || !this.#started || this.#stopping.signal.aborted) return;
    if (this.#pace.rest() > 0) return this.#pace.within(this.#pace.rest());
    this.#loop = this.#run().finally(() => {
      this.#loop = null;
      // Woken after the last step had looked, and before it had ended.
      if (this.#dirty) this.wake();
    });
  }

  holds(): readonly HoldView[] {
    return this.#log.holds();
  }

  episodes(): readonly EpisodeView[] {
    const actions = this.#parts.actor.recentActions();
    return this.#book.views(actions);
  }

  async restart({ target, who, why, dryRun }: Parameters<Recovery["restart"]>[0]): Promise<ManualOutcome> {
    try {
      const asked = await manualProposal(target, who, why, this.#parts, this.#stopping.signal);
      if (asked.kind === "problem") return { kind: "failed", reason: asked.reason };
      const decision = decideManual(asked.asked, this.#scene());
      if (decision.kind !== "act") return { kind: "held", guard: decision.guard, reason: decision.reason };
      if (dryRun) return { kind: "would", decision };
      await this.#book.rearm(decision.proposal.workload, decision.proposal.target, this.#parts.clock.now());
      return { kind: "acted", intent: await this.#carryOut(decision, who) };
    } catch (error) {
      return { kind: "failed", reason: messageOf(error) };
    }
  }

  async idle(): Promise<void> {
    while (this.#loop !== null || this.#acting.size > 0) await Promise.all([this.#loop, ...this.#acting]);
    await this.#log.flush();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#cancelTimer?.();
    this.#pace.cancel();
    await this.idle();
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts;
    let instant = clock.now();
    for (let steps = 1; this.#dirty && this.#pace.rest() === 0 && !this.#stopping.signal.aborted; steps += 1) {
      if (clock.now() !== instant) [instant, steps] = [clock.now(), 1];
      if (steps > MAX_STEPS_AT_ONCE) return this.#pauseLoop();
      this.#dirty = false;
      this.#pace.begin();
      try {
        await this.#step();
      } catch (error) {
        // A store that is away for a moment must not end the loop; the next look tries again.
        this.#parts.troubled("state", `a recovery step broke off: ${messageOf(error)}`);
      }
      this.#pace.end();
    }
  }

  /** Steps that only lead to further steps would keep everything else from running. */
  #pauseLoop(): void {
    this.#dirty = false;
    this.#parts.troubled("loop", `more than ${MAX_STEPS_AT_ONCE} recovery steps at one instant; the next one waits`);
    this.#cancelTimer?.();
    this.#cancelTimer = this.#parts.clock.after(BREATH_MS, () => this.wake());
  }

  async #step(): Promise<void> {
    const { actor, clock } = this.#parts;
    const judged = actor.open().length === 0 ? [] : this.#pace.computing(() => this.#scenes.judged());
    for (const intent of await actor.verify(judged, this.#stopping.signal)) this.#parts.verified(intent);
    const before = this.#scene();
    for (const lifted of await liftWhatIsOver(before, this.#parts.policies(), this.#parts.remedies)) this.#parts.lifted(lifted);
    const asked = await propose(before, this.#parts.policies(), { ...this.#parts, findings: this.#findings }, this.#stopping.signal);
    this.#firing = asked.length > 0;
    for (const { proposal } of asked) await this.#book.fired(proposal.workload, proposal.cause, clock.now(), this.#parts.settings.relapse);
    for (const ack of this.#parts.view.acknowledgements()) await this.#book.rearm(ack.workload, ack.target, ack.at);
    await this.#endEpisodes();
    const scene = asked.length === 0 ? before : this.#scene();
    const decisions = decide(asked, scene);
    this.#log.record(decisions, scene);
    for (const decision of decisions) {
      if (decision.kind === "act") this.#begin(decision);
      if (decision.kind === "escalate") await this.#escalate(decision);
    }
    this.#plan(decisions, scene, asked);
  }

  #scene(): Scene {
    return this.#pace.computing(() => this.#scenes.take(this.#book.marks()));
  }

  #begin(decision: Extract<Decision, { kind: "act" }>): void {
    const work = this.#carryOut(decision, "shopkeeper").then(
      () => undefined,
      (error: unknown) => this.#parts.troubled("state", `${decision.proposal.action} ${decision.proposal.target} could not be recorded: ${messageOf(error)}`),
    );
    this.#acting.add(work);
    void work.finally(() => {
      this.#acting.delete(work);
      this.wake();
    });
  }

  async #carryOut(decision: Extract<Decision, { kind: "act" }>, who: string): Promise<Intent> {
    const { actor, clock } = this.#parts;
    const began = clock.now();
    const ended = this.#scenes.underway(decision, began);
    try {
      const intent = await actor.act(decision, who, this.#stopping.signal);
      this.#parts.acted(intent, clock.now() - began);
      return intent;
    } finally {
      ended();
    }
  }

  /** Told first, remembered afterwards: a crash between tells it again, under the same key. */
  async #escalate(decision: Extract<Decision, { kind: "escalate" }>): Promise<void> {
    const { outbox, site, runbooks, clock } = this.#parts;
    const { workload, cause } = decision.proposal;
    const mark = this.#book.get(workload, cause);
    if (mark === undefined) return;
    await outbox.enqueue(decision.alert, escalationAlert(decision, mark, { site, runbooks, at: clock.now() }));
    await this.#book.escalated(mark, callOf(mark, decision), decision.proposal.target, clock.now());
    this.wake();
  }

  async #endEpisodes(): Promise<void> {
    const { clock, outbox, site, runbooks, settings } = this.#parts;
    for (const { mark, alerts } of this.#book.over(clock.now(), settings.relapse)) {
      for (const call of alerts) await outbox.enqueue(call.route, resolvedAlert(mark, call, { site, runbooks, at: clock.now() }));
      await this.#book.forget(mark);
    }
  }

  /** One timer, for the first instant at which something may have changed by time alone. */
  #plan(decisions: readonly Decision[], scene: Scene, asked: readonly Asked[]): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    const first = nextChange({ decisions, scene, asked, marks: this.#book.marks(), policies: this.#parts.policies() });
    if (first === null || this.#stopping.signal.aborted) return;
    this.#cancelTimer = this.#parts.clock.after(first - this.#parts.clock.now(), () => this.wake());
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
