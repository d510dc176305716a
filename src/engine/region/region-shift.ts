/**
 * The leader's side: reads what stands at the provider, decides, and carries it out by the one protocol of acting.
 *
 * intent recorded → fence (still leader, renewed a moment ago, decided a moment ago) → each entry compared and written →
 * read back → outcome. An outcome that is not known is read before anything else is done. An act goes on beside the looks.
 */
import { followIncident, followReadiness } from "../../core/region/incident.ts";
import { couldTakeOver, decideRegion, isUrgent, questionsOf } from "../../core/region/decide.ts";
import { initialOutside } from "../../core/region/outside.ts";
import { lookedAt } from "../../core/region/looked-at.ts";
import type { RegionMark } from "../../core/region/mark.ts";
import { toldMarks } from "../../core/region/report.ts";
import { ledTo, type ManualOrder, type RegionDecision, type RegionScene } from "../../core/region/scene.ts";
import { learnAge, readStanding, type MarkMemory, type Standing } from "../../core/region/standing.ts";
import { answeredAgain, failedTry, NO_TRIES, type Tries } from "../../core/region/tries.ts";
import type { Roll } from "../../core/region/roll.ts";
import type { Ballot, Vote } from "../../core/region/vote.ts";
import { observersOf } from "../../core/region/region.ts";
import { because } from "../../core/region/reason.ts";
import type { Instant, Ms } from "../../core/time.ts";
import type { Random } from "../../ports/random.ts";
import type { RegionEyes } from "../../ports/region-eyes.ts";
import type { StateStore } from "../../ports/state-store.ts";
import type { ProviderCall, Traffic, TrafficEntry } from "../../ports/traffic.ts";
import { askAll } from "./asking.ts";
import { ProviderDesk } from "./desk.ts";
import { inMode } from "./in-mode.ts";
import { KeptState } from "./kept-state.ts";
import { RegionPager, type PagerParts } from "./region-pager.ts";
import type { RegionIntent, RegionState } from "./region-state.ts";
import { describeStanding } from "./region-told.ts";
import { RollCall } from "./roll-call.ts";
import { switchEntries, type Switched } from "./switching.ts";

export type ShiftParts = PagerParts & {
  readonly eyes: RegionEyes;
  readonly traffic: Traffic;
  readonly store: StateStore;
  readonly random: Random;
  /** Still leader of this region, renewed less than 10 s ago; asked just before each change. */
  readonly mayAct: () => boolean;
  /** Why decisions are only recorded, "the policy failover only records"; null: they are carried out. A person's order always is. */
  readonly onlyRecords: () => string | null;
};

/** What the loop knows by looking, leader or not. */
export type Facts = Pick<RegionScene, "views" | "heard" | "own" | "sellingSince" | "fitSince">;

export type Commanded = { readonly decision: RegionDecision; readonly calls: readonly ProviderCall[] };

/** A decision older than this is made anew before anything is written. */
const DECIDED_FOR: Ms = 3_000;
/** After an act, and after another's, what stands is read at each step. */
const WATCHED_FOR: Ms = 60_000;
const MAX_REPAIRS_KEPT = 20;

export class RegionShift {
  readonly #parts: ShiftParts;
  readonly #kept: KeptState;
  readonly #desk: ProviderDesk;
  readonly #pager: RegionPager;
  readonly #rollCall: RollCall;
  #standing: Standing = { kind: "unread" };
  #tries: Tries = NO_TRIES;
  #acting: Promise<void> | null = null;
  #actedAt: Instant = Number.NEGATIVE_INFINITY;

  constructor(parts: ShiftParts) {
    this.#parts = parts;
    this.#kept = new KeptState(parts);
    this.#desk = new ProviderDesk(parts.traffic, parts.clock);
    this.#pager = new RegionPager(parts);
    this.#rollCall = new RollCall(parts);
  }

  /** Of what was read and remembered so far. */
  state(): RegionState {
    return this.#kept.now;
  }

  standing(): Standing {
    return this.#standing;
  }

  entries(): readonly TrafficEntry[] {
    return this.#desk.entries();
  }

  /** Who could speak in an incident. */
  roll(): Roll {
    return this.#rollCall.roll();
  }

  /** Resolves once no act is under way. */
  async settled(): Promise<void> {
    while (this.#acting !== null) await this.#acting;
  }

  /**
   * One step; ends within the time that observers have to answer, acts aside.
   *
   * @param facts asked anew before anything is decided.
   * @returns what was decided; null: the state could not be read.
   * @throws {StateStoreError} `CORRUPT`: another daemon has written it, so it is to be read anew; `SUPERSEDED`: this one's shift is over.
   */
  async step(facts: () => Facts, signal: AbortSignal): Promise<RegionDecision | null> {
    if (!(await this.#kept.load())) return null;
    const first = this.#scene(facts(), null, [], null);
    this.#follow(first);
    this.#startReading(isUrgent(first), signal);
    this.#rollCall.start(ledTo(first), signal);
    const about = questionsOf(first);
    const ballot: Ballot | null = about.length === 0 ? null : { nonce: this.#parts.random.id(), about, askedAt: this.#parts.clock.now() };
    const votes = ballot === null ? [] : await this.#ask(ballot, signal);
    // What was known before the observers answered may be a second old.
    this.#ready(this.#scene(facts(), ballot, votes, null));
    const decision = inMode(decideRegion(this.#scene(facts(), ballot, votes, null)), this.#parts.onlyRecords());
    this.#parts.teller.decided(decision);
    if (decision.kind === "flip" || decision.kind === "repair") this.#start(decision, signal);
    await this.#call(decision);
    await this.#kept.save();
    return decision;
  }

  /** A person's order: decided by what stands now, which is read first, and carried out unless it is only to be shown. */
  async command(order: ManualOrder, facts: Facts, signal: AbortSignal, dryRun: boolean): Promise<Commanded> {
    await this.settled();
    await this.#kept.load();
    // After a partition the last reading may be minutes old, and say that nothing is left to do.
    const failed = await this.#read(signal);
    if (failed !== null) return { decision: { kind: "hold", about: "order", reasons: [because("records_unread", `what stands at the provider cannot be read: ${failed}`)] }, calls: [] };
    const decision = decideRegion(this.#scene(facts, null, [], order));
    if (decision.kind !== "flip") return { decision, calls: [] };
    const mark = this.#mark(decision.epoch);
    const calls = this.#desk.entries().flatMap((entry) => this.#parts.traffic.calls({ entry, to: decision.to, mark }));
    if (dryRun) return { decision, calls };
    this.#tries = NO_TRIES;
    this.#start(decision, signal);
    await this.settled();
    return { decision, calls };
  }

  /** Forgets what it knows of the stored state, to read it again at the next step. */
  reload(): void {
    this.#kept.reload();
  }

  /**
   * A person has looked at the flip that stands now, which is read first: the block after it is lifted, and its page is over.
   *
   * @returns the mark of that flip; null: none stands, or somebody has looked at it already.
   * @throws {StateStoreError}
   */
  async acknowledge(signal: AbortSignal, dryRun: boolean): Promise<MarkMemory | null> {
    await this.settled();
    await this.#kept.load();
    await this.#read(signal);
    const { memory, acknowledged } = this.#kept.now;
    if (memory === null || acknowledged >= memory.epoch) return null;
    if (!dryRun) {
      this.#kept.set({ acknowledged: memory.epoch });
      await this.#kept.save();
    }
    return memory;
  }

  async #call(decision: RegionDecision): Promise<void> {
    const { plan, me, clock } = this.#parts;
    const { memory, acknowledged } = this.#kept.now;
    const over = lookedAt(plan, me, this.#standing, memory, acknowledged, clock.now());
    const { firing, alerts } = this.#pager.follow(decision, this.#rollCall.roll(), over, this.#kept.now);
    // Before it is waited for: an act may end meanwhile, and what fires for it counts too.
    this.#kept.set({ firing });
    await this.#pager.send(alerts);
  }

  #scene(facts: Facts, ballot: Ballot | null, votes: readonly Vote[], order: ManualOrder | null): RegionScene {
    const { memory, acknowledged, incident, repairedAt, intent } = this.#kept.now;
    const unsettled = this.#acting !== null ? "an act on the records is under way" : intent === null ? null : `what became of ${intent.kind} to ${intent.to}, epoch ${intent.epoch}, is not known yet`;
    const { plan, me, clock, mayAct } = this.#parts;
    return { ...facts, now: clock.now(), plan, me, leads: mayAct(), standing: this.#standing, memory, acknowledged, unsettled, tries: this.#tries, repairedAt, ballot, votes, incident, order };
  }

  #follow(scene: RegionScene): void {
    const current = ledTo(scene);
    const view = current === null ? initialOutside(scene.now) : (scene.views.get(current) ?? initialOutside(scene.now));
    const incident = followIncident(this.#kept.now.incident, current, scene.me, view, scene.own.parity, scene.now);
    // What the provider did in another trouble says nothing of this one.
    if (incident?.since !== this.#kept.now.incident?.since && this.#kept.now.intent === null) this.#tries = NO_TRIES;
    this.#kept.set({ incident, ...(this.#kept.now.memory === null ? {} : { memory: learnAge(this.#kept.now.memory, toldMarks(scene.heard), scene.now) }) });
  }

  #ready(scene: RegionScene): void {
    if (this.#kept.now.incident === null) return;
    const { incident } = this.#kept.now;
    this.#kept.set({ incident: followReadiness(incident, couldTakeOver(scene, incident.about), scene.now) });
  }

  async #ask(ballot: Ballot, signal: AbortSignal): Promise<readonly Vote[]> {
    const { plan, me, eyes, clock } = this.#parts;
    const observers = [...new Set(ballot.about.flatMap((region) => observersOf(plan, region)))].filter((name) => name !== me);
    const replies = await askAll(eyes, clock, observers, ballot, signal);
    return [...replies.values()].flatMap((reply) => (reply.kind === "votes" ? reply.votes : []));
  }

  #startReading(urgent: boolean, signal: AbortSignal): void {
    const soon = urgent || this.#kept.now.intent !== null || this.#parts.clock.now() - this.#actedAt < WATCHED_FOR;
    if (this.#acting !== null || !this.#desk.isDue(soon)) return;
    void this.#read(signal);
  }

  /** @returns why it could not be read; null: it was, or an act began meanwhile that knows better. */
  async #read(signal: AbortSignal): Promise<string | null> {
    const result = await this.#desk.read(signal);
    if (result === null || signal.aborted) return null;
    if (result.kind === "failed") {
      this.#parts.teller.troubled("provider", result.why);
      return result.why;
    }
    this.#take(result.entries);
    this.#tries = answeredAgain(this.#tries, this.#parts.clock.now());
    if (this.#acting === null && this.#kept.now.intent !== null) this.#settleByReading(this.#kept.now.intent, result.entries);
    return null;
  }

  #take(entries: readonly TrafficEntry[]): void {
    const { plan, clock, teller } = this.#parts;
    const { standing, memory } = readStanding(plan, this.#kept.now.memory, entries, clock.now(), this.#desk.isDenied());
    const before = describeStanding(this.#standing);
    const raised = this.#kept.now.memory !== null && memory?.epoch !== this.#kept.now.memory.epoch;
    if (raised) this.#actedAt = clock.now();
    this.#standing = standing;
    this.#kept.set({ memory });
    const after = describeStanding(standing);
    if (after !== before) teller.stands(after);
  }

  /** The first question of whoever finds an act without an outcome. */
  #settleByReading(intent: RegionIntent, entries: readonly TrafficEntry[]): void {
    const landed = entries.filter((entry) => entry.mark?.region === intent.to && entry.mark.epoch === intent.epoch);
    const outcome = landed.length === entries.length ? "done" : landed.length > 0 ? "partly" : "refused";
    this.#end(intent, outcome, landed.length === 0 ? "reading shows that it did not land" : `reading shows it in ${landed.length} of ${entries.length} entries`);
    if (outcome === "done") this.#tries = NO_TRIES;
  }

  #start(decision: Extract<RegionDecision, { readonly kind: "flip" | "repair" }>, signal: AbortSignal): void {
    const { random } = this.#parts;
    const cause = decision.kind === "flip" ? decision.cause : `over ${decision.over.join(", ")}`;
    const intent: RegionIntent = { id: random.id(), kind: decision.kind, to: decision.to, from: decision.kind === "flip" ? decision.from : null, epoch: decision.epoch, cause, who: decision.kind === "flip" ? decision.who : "shopkeeper" };
    const acting = this.#carryOut(intent, signal)
      .catch((error: unknown) => this.#parts.teller.troubled("state", messageOf(error)))
      .finally(() => {
        if (this.#acting === acting) this.#acting = null;
      });
    this.#acting = acting;
  }

  async #carryOut(intent: RegionIntent, signal: AbortSignal): Promise<void> {
    const { clock, teller, traffic, mayAct } = this.#parts;
    const decidedAt = clock.now();
    this.#kept.set({ intent });
    try {
      await this.#kept.save();
    } catch (error) {
      // Nothing is done that is not recorded. It may be recorded all the same: the next write over it says that it is not open.
      this.#kept.set({ intent: null });
      throw error;
    }
    teller.intended(intent);
    if (!mayAct()) return this.#end(intent, "refused", "this daemon may no longer act for its region");
    if (clock.now() - decidedAt > DECIDED_FOR) return this.#end(intent, "refused", "too much time has passed since it was decided");
    const mark = this.#mark(intent.epoch);
    this.#desk.begin(mark);
    const done = await switchEntries(traffic, clock, this.#desk.entries(), mark, signal);
    this.#actedAt = clock.now();
    await this.#settle(intent, done, decidedAt);
  }

  #mark(epoch: number): RegionMark {
    const { plan, me, clock } = this.#parts;
    return { site: plan.site, region: me, epoch, flippedAt: Math.max(0, Math.floor(clock.wall() / 1_000)) };
  }

  async #settle(intent: RegionIntent, done: Switched, beganAt: Instant): Promise<void> {
    const { clock, plan } = this.#parts;
    const now = clock.now();
    // It was accepted, so it has stood, whoever wrote over it since; and what had to be put back has stood from now on only.
    if (done.accepted && intent.epoch >= (this.#kept.now.memory?.epoch ?? 0)) this.#kept.set({ memory: { region: intent.to, epoch: intent.epoch, since: now, found: false } });
    this.#take(this.#desk.learn(done));
    this.#tries = done.failure === null ? NO_TRIES : failedTry(this.#tries, done.failure, beganAt, now, plan.rules);
    if (intent.kind === "repair" && done.accepted) this.#kept.set({ repairedAt: [...this.#kept.now.repairedAt, now].slice(-MAX_REPAIRS_KEPT) });
    if (done.uncertain !== null) return this.#parts.teller.ended(intent, "uncertain", done.uncertain, null);
    const whole = done.outcomes.every(({ outcome }) => outcome.kind === "switched");
    const text = done.outcomes.map(({ entry, outcome }) => `${entry.name} ${outcome.kind === "failed" ? outcome.why : outcome.kind}`).join(", ");
    this.#end(intent, whole ? "done" : done.accepted ? "partly" : "refused", text);
    await this.#kept.save();
  }

  #end(intent: RegionIntent, outcome: "done" | "partly" | "refused", text: string): void {
    const { clock, teller } = this.#parts;
    const { incident } = this.#kept.now;
    const fault = outcome === "done" && intent.kind === "flip" && incident?.about === intent.from ? incident.since : null;
    teller.ended(intent, outcome, text, fault === null ? null : clock.now() - fault);
    this.#kept.set({ intent: null });
    if (outcome === "refused") return;
    const { firing, alerts } = this.#pager.acted(intent, text, this.#kept.now.firing);
    this.#kept.set({ firing });
    void this.#pager.send(alerts);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
