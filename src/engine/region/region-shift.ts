/**
 * The leader's side: reads what stands at the provider, decides, and has it carried out (see region-acts.ts). An outcome that is
 * not known is read before anything else is done.
 */
import { FIRST_EPOCH } from "../../core/region/block.ts";
import { followIncident, followReadiness } from "../../core/region/incident.ts";
import { couldTakeOver, decideRegion, isUrgent, questionsOf } from "../../core/region/decide.ts";
import { initialOutside } from "../../core/region/outside.ts";
import { toldMarks } from "../../core/region/report.ts";
import { ledTo, type ManualOrder, type RegionDecision, type RegionScene } from "../../core/region/scene.ts";
import { learnAge, readStanding, type MarkMemory, type Standing } from "../../core/region/standing.ts";
import type { Roll } from "../../core/region/roll.ts";
import type { Ballot, Vote } from "../../core/region/vote.ts";
import { observersOf } from "../../core/region/region.ts";
import { because } from "../../core/region/reason.ts";
import type { Ms } from "../../core/time.ts";
import type { Random } from "../../ports/random.ts";
import type { RegionEyes } from "../../ports/region-eyes.ts";
import type { StateStore } from "../../ports/state-store.ts";
import type { ProviderCall, Traffic, TrafficEntry } from "../../ports/traffic.ts";
import { askAll } from "./asking.ts";
import { ProviderDesk } from "./desk.ts";
import { RegionActs, type Ended } from "./region-acts.ts";
import { inMode } from "./in-mode.ts";
import { KeptState } from "./kept-state.ts";
import { RegionPager, type PagerParts } from "./region-pager.ts";
import type { RegionState } from "./region-state.ts";
import { describeStanding } from "./region-told.ts";
import { RollCall } from "./roll-call.ts";

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

/** `lifts`: the flip after which there is a block no more; null: there was none. `pages`: how many are over. */
export type Acknowledged = { readonly kind: "looked"; readonly lifts: MarkMemory | null; readonly pages: number } | { readonly kind: "nothing" } | { readonly kind: "unread"; readonly why: string };

/** `ended`: what became of it; null: nothing was begun. */
export type Commanded = { readonly decision: RegionDecision; readonly calls: readonly ProviderCall[]; readonly ended: Ended | null };

/** After an act, and after another's, what stands is read at each step. */
const WATCHED_FOR: Ms = 60_000;

export class RegionShift {
  readonly #parts: ShiftParts;
  readonly #kept: KeptState;
  readonly #desk: ProviderDesk;
  readonly #pager: RegionPager;
  readonly #rollCall: RollCall;
  readonly #acts: RegionActs;
  #standing: Standing = { kind: "unread" };

  constructor(parts: ShiftParts) {
    this.#parts = parts;
    this.#kept = new KeptState(parts);
    this.#desk = new ProviderDesk(parts.traffic, parts.clock);
    this.#pager = new RegionPager(parts);
    this.#rollCall = new RollCall(parts);
    this.#acts = new RegionActs({ ...parts, kept: this.#kept, desk: this.#desk, pager: this.#pager, learned: (entries) => this.#take(entries) });
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
  settled(): Promise<void> {
    return this.#acts.settled();
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
    if (decision.kind === "flip" || decision.kind === "repair") this.#acts.start(decision, signal);
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
    if (failed !== null) return { decision: { kind: "hold", about: "order", reasons: [because("records_unread", `what stands at the provider cannot be read: ${failed}`)] }, calls: [], ended: null };
    const decision = decideRegion(this.#scene(facts, null, [], order));
    if (decision.kind !== "flip") return { decision, calls: [], ended: null };
    const mark = this.#acts.mark(decision.epoch);
    const calls = this.#desk.entries().flatMap((entry) => this.#parts.traffic.calls({ entry, to: decision.to, mark }));
    if (dryRun) return { decision, calls, ended: null };
    this.#acts.forgetTries();
    this.#acts.start(decision, signal);
    await this.settled();
    return { decision, calls, ended: this.#acts.ended() };
  }

  /** Forgets what it knows of the stored state, to read it again at the next step. */
  reload(): void {
    this.#kept.reload();
  }

  /**
   * A person has looked at what stands now, which is read first: the block after the last flip is lifted, and the pages of what this
   * region did are over.
   *
   * @throws {StateStoreError}
   */
  async acknowledge(signal: AbortSignal, dryRun: boolean): Promise<Acknowledged> {
    await this.settled();
    if (!(await this.#kept.load())) return { kind: "unread", why: "the stored state of the regions cannot be read" };
    const failed = await this.#read(signal);
    if (failed !== null) return { kind: "unread", why: `what stands at the provider cannot be read: ${failed}` };
    const { memory, acknowledged, firing } = this.#kept.now;
    const over = this.#pager.over("a person has looked", firing);
    const lifts = memory !== null && memory.epoch > Math.max(acknowledged, FIRST_EPOCH) ? memory : null;
    if (lifts === null && over.alerts.length === 0) return { kind: "nothing" };
    if (!dryRun) {
      this.#kept.set({ firing: over.firing, acknowledged: Math.max(acknowledged, memory?.epoch ?? 0) });
      await this.#kept.save();
      await this.#pager.send(over.alerts);
    }
    return { kind: "looked", lifts, pages: over.alerts.length };
  }

  async #call(decision: RegionDecision): Promise<void> {
    const standing = this.#standing;
    const elsewhere = standing.kind === "ours" && standing.whole && standing.leadsTo !== this.#parts.me ? standing.leadsTo : null;
    const over = elsewhere === null ? null : `buyers are led to ${elsewhere} now`;
    const { firing, alerts } = this.#pager.follow(decision, { roll: this.#rollCall.roll(), over, unread: this.#desk.unread(), subject: this.#subject() }, this.#kept.now);
    // Before it is waited for: an act may end meanwhile, and what fires for it counts too.
    this.#kept.set({ firing });
    await this.#pager.send(alerts);
  }

  /** What a hold is about, for people. */
  #subject(): string {
    const { incident } = this.#kept.now;
    return incident === null ? "" : `buyers are led to ${incident.about}, where something is wrong as seen from ${this.#parts.me}, and not led away: `;
  }

  #scene(facts: Facts, ballot: Ballot | null, votes: readonly Vote[], order: ManualOrder | null): RegionScene {
    const { memory, acknowledged, incident, repairedAt, intent } = this.#kept.now;
    const unsettled = this.#acts.isUnderWay() ? "an act on the records is under way" : intent === null ? null : `what became of ${intent.kind} to ${intent.to}, epoch ${intent.epoch}, is not known yet`;
    const { plan, me, clock, mayAct } = this.#parts;
    return { ...facts, now: clock.now(), plan, me, leads: mayAct(), standing: this.#standing, memory, acknowledged, unsettled, tries: this.#acts.tries(), repairedAt, ballot, votes, incident, order };
  }

  #follow(scene: RegionScene): void {
    const current = ledTo(scene);
    const view = current === null ? initialOutside(scene.now) : (scene.views.get(current) ?? initialOutside(scene.now));
    const incident = followIncident(this.#kept.now.incident, current, scene.me, view, scene.own.parity, scene.now);
    // What the provider did in another trouble says nothing of this one.
    if (incident?.since !== this.#kept.now.incident?.since && this.#kept.now.intent === null) this.#acts.forgetTries();
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
    const soon = urgent || this.#kept.now.intent !== null || this.#parts.clock.now() - this.#acts.lastAt() < WATCHED_FOR;
    if (this.#acts.isUnderWay() || !this.#desk.isDue(soon)) return;
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
    this.#acts.read(result.entries);
    return null;
  }

  #take(entries: readonly TrafficEntry[]): void {
    const { plan, me, clock, teller } = this.#parts;
    const { standing, memory } = readStanding(plan, this.#kept.now.memory, entries, clock.now(), this.#desk.isDenied() && this.#kept.now.memory?.region === me);
    const before = describeStanding(this.#standing);
    const raised = this.#kept.now.memory !== null && memory?.epoch !== this.#kept.now.memory.epoch;
    this.#acts.stands(standing, raised);
    this.#standing = standing;
    this.#kept.set({ memory });
    const after = describeStanding(standing);
    if (after !== before) teller.stands(after);
  }
}
