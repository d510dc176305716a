/**
 * The engine: observe → judge → recover, composed. One per site.
 *
 * It drives core through ports and owns no package, no socket and no timer but the
 * clock's, so that the daemon, `simulate` and the tests run the same code.
 */
import type { BreakerView } from "../core/breaker.ts";
import type { CheckSpec } from "../core/check.ts";
import { type Pace, paceOf } from "../core/schedule.ts";
import type { Evidence } from "../core/evidence.ts";
import type { GatewayView } from "../core/gateway-view.ts";
import type { Intent } from "../core/intent.ts";
import type { PolicySpec } from "../core/policy.ts";
import type { Roster } from "../core/roster.ts";
import type { Observation } from "../core/observation.ts";
import type { Snapshot, WhyView } from "../core/snapshot.ts";
import type { LookStatus } from "../core/status.ts";
import type { TargetId } from "../core/target.ts";
import { lookKey, SITE } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { EventListener, QuarantineChanged, Troubled, WorkerLost } from "../ports/events.ts";
import { createActor } from "./act.ts";
import type { Engine, EngineParts } from "./engine-parts.ts";
import { createExitWatch, type ExitWatch } from "./exits.ts";
import { createIncidents, type Incidents } from "./incidents.ts";
import { createJudge, type Judge } from "./judge.ts";
import { checksAt, explainingLooks, looksFor, siblingLooks, whyNotLooked } from "./looks.ts";
import { createLosses, type Losses } from "./lost-state.ts";
import { createObserver, type Observer } from "./observe.ts";
import { createOrders, type Orders } from "./orders.ts";
import { createRecorder, messageOf } from "./record.ts";
import type { Recorder } from "./record.ts";
import { createRecovery, type Recovery } from "./recovery.ts";
import { Roll } from "./roll.ts";
import { createStanding, inOrderedModes, type Standing } from "./standing.ts";
import { superviseAll } from "./supervise.ts";
import { Told } from "./told.ts";
import { createUnderway, type Underway } from "./underway.ts";
import { takeSnapshot, takeWhy } from "./view.ts";

export type { Engine, EngineParts } from "./engine-parts.ts";

export function createEngine(parts: EngineParts): Engine {
  return new ComposedEngine(parts);
}

class ComposedEngine implements Engine {
  readonly #parts: EngineParts;
  readonly #roll: Roll;
  readonly #standing: Standing;
  readonly #recorder: Recorder;
  readonly #incidents: Incidents;
  readonly #losses: Losses;
  readonly #judge: Judge;
  readonly #observer: Observer;
  readonly #underway: Underway;
  readonly #recovery: Recovery;
  readonly #exits: ExitWatch | null;
  readonly #orders: Orders;
  readonly #told = new Told();
  readonly #stopping = new AbortController();
  readonly #beganAt: Instant;
  #loaded = false;
  /** What an earlier process left is settled. */
  #settled = false;
  #actFrom: Instant = Infinity;

  readonly acknowledge: Orders["acknowledge"] = (order) => this.#orders.acknowledge(order);
  readonly pause: Orders["pause"] = (order) => this.#orders.pause(order);
  readonly resume: Orders["resume"] = (order) => this.#orders.resume(order);
  readonly promote: Orders["promote"] = (order) => this.#orders.promote(order);

  constructor(parts: EngineParts) {
    const { clock, store, ledger, events } = parts;
    this.#parts = parts;
    this.#roll = new Roll(parts);
    const roll = this.#roll;
    this.#beganAt = clock.now();
    this.#standing = createStanding(store);
    this.#recorder = createRecorder({ events, ledger, clock });
    this.#incidents = createIncidents({
      site: parts.site, routes: parts.alertRoutes, runbooks: parts.runbooks, store, outbox: parts.outbox, recorder: this.#recorder,
      acknowledged: (look, now) => this.#standing.isAcknowledged(look.target, look.check, now),
      notLooked: (check, target) => whyNotLooked(check, target, roll.checks),
    });
    this.#losses = createLosses({ ...parts, route: parts.alertRoutes.page ?? parts.alertRoutes.notify, memory: [this.#standing, this.#incidents], loaded: () => this.#loaded, troubled: (detail) => this.#troubled("state", detail) });
    this.#judge = createJudge({
      roll, clock, recorder: this.#recorder, incidents: this.#incidents, cannotSeeAfter: parts.settings.cannotSeeAfter,
      excused: (target) => this.#underway.acting(target) || this.#underway.awaiting(target),
      turned: (look) => this.#turned(look),
    });
    this.#observer = createObserver({
      roll, probes: parts.probes, references: parts.references, clock, random: parts.random,
      observed: (check, target, seen) => this.#observed(check, target, seen),
      connectivityChanged: ({ lostSince }) => {
        this.#recorder.connectivityChanged({ at: clock.now(), lostSince });
        this.#incidents.network(lostSince, clock.now());
      },
    });
    this.#underway = createUnderway(createActor({
      site: parts.site, store, ledger, outbox: parts.outbox, clock, random: parts.random, remedies: parts.remedies, fence: parts.fence,
      target: (id) => roll.target(id),
      alertRoute: parts.alertRoutes.page ?? parts.alertRoutes.notify,
      runbooks: parts.runbooks, problem: (detail) => this.#troubled("state", detail),
    }));
    this.#recovery = this.#createRecovery();
    this.#exits = parts.supervised === null ? null : createExitWatch({
      ...parts.supervised,
      acting: (target) => this.#underway.acting(target),
      exited: (target, detail) => this.processExited(target, detail),
      troubled: (detail) => this.#troubled("loop", detail),
    });
    this.#orders = createOrders({ ...parts, roll, standing: this.#standing, recovery: this.#recovery, recorder: this.#recorder });
  }

  async start(): Promise<void> {
    await this.#losses.tell();
    for (const key of await this.#standing.load((check, target) => whyNotLooked(check, target, this.#roll.checks) !== null)) this.#troubled("state", `stored order ${key} cannot be understood; it is left where it is`);
    await this.#incidents.load(this.#parts.clock.now());
    this.#loaded = true;
    // Asked anew: if our own network is still gone, that is a new incident.
    this.#incidents.network(null, this.#parts.clock.now());
    for (const intent of await this.#underway.actor.resume(this.#stopping.signal)) this.#acted(intent, 0);
    for (const intent of this.#underway.actor.open()) if (intent.state.phase === "awaiting_verification") this.#underway.carriedOut(intent);
    await superviseAll(this.#parts, {
      actor: this.#underway.actor,
      signal: this.#stopping.signal,
      started: (intent) => this.#acted(intent, 0),
      adopted: async (target) => void (await this.#exits?.refresh(target)),
      troubled: (detail) => this.#troubled("loop", detail),
    });
    this.#settled = true;
    this.#actFrom = this.#parts.clock.now() + this.#parts.watchFirst;
    if (this.#stopping.signal.aborted) return;
    await this.#recovery.start();
    this.#observer.start();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#exits?.stop();
    await Promise.all([this.#observer.stop(), this.#recovery.stop(), this.#losses.stop()]);
    await this.#recorder.flush();
    await this.#incidents.flush();
  }

  async idle(): Promise<void> {
    await this.#recovery.idle();
    await this.#recorder.flush();
    await this.#incidents.flush();
  }

  snapshot(): Snapshot {
    return takeSnapshot(this.#views());
  }

  why(target: TargetId): WhyView | null {
    return takeWhy(this.#views(), target);
  }

  async restart(order: Parameters<Orders["restart"]>[0]): ReturnType<Orders["restart"]> {
    if (!this.#settled) return { kind: "refused", code: "FAILED", text: "shopkeeper is starting and does not know yet what its last life left unfinished: ask again in a moment" };
    return this.#orders.restart(order);
  }

  gatewayTrouble(target: TargetId, cause: string): void {
    if (target !== SITE && this.#roll.target(target) !== null) this.#told.troubles.set(target, { at: this.#parts.clock.now(), cause: cause.slice(0, 200) });
    this.#observer.hasten(looksFor(target, this.#roll.checks));
  }

  processExited(target: TargetId, detail: string): void {
    if (this.#stopping.signal.aborted) return;
    const at = this.#parts.clock.now();
    this.#observer.forget(target);
    for (const check of checksAt(target, this.#roll.checks)) {
      const seen: Observation = { kind: "fail", at, tookMs: 0, findings: [], facts: {}, cause: "exited", detail };
      this.#observed(check, target, seen);
    }
  }

  processStarted(target: TargetId, at: Instant): void {
    this.#told.startedAt.set(target, at);
  }

  enrol(roster: Roster): void {
    const change = this.#roll.take(roster);
    if (change.gone.length + change.come.length + change.goneTargets.length + change.comeTargets.length === 0) return;
    const now = this.#parts.clock.now();
    this.#told.forget(change.goneTargets);
    for (const target of change.comeTargets) if (this.#settled) this.#told.startedAt.set(target, now);
    this.#judge.enrol(change);
    this.#observer.enrol(change);
    if (this.#loaded) this.#incidents.settle(now);
    this.#recovery.forget(change.gone);
  }

  stateLost(): Promise<void> {
    return this.#losses.tell();
  }

  evidenceFrom(target: TargetId, read: () => Evidence): void {
    this.#told.evidence.set(target, read);
  }

  breakersFrom(read: () => readonly BreakerView[]): void {
    this.#told.breakers = read;
  }

  breakerChanged(view: BreakerView, why: string): void {
    this.#recorder.breakerChanged({ at: this.#parts.clock.now(), breaker: view, why });
    this.#recovery.wake();
  }

  gatewayFrom(read: () => GatewayView): void {
    this.#told.gateway = read;
  }

  quarantineChanged(event: QuarantineChanged): void {
    this.#recorder.quarantineChanged(event);
  }

  workerLost(event: WorkerLost): void {
    this.#recorder.workerLost(event);
  }

  subscribe(listener: EventListener): () => void {
    return this.#recorder.subscribe(listener);
  }

  #createRecovery(): Recovery {
    const { clock } = this.#parts;
    return createRecovery({
      ...this.#parts,
      roll: this.#roll,
      actor: this.#underway.actor,
      policies: () => this.#policies(),
      view: this.#told.view(this.#judge, this.#standing, clock),
      actFrom: () => this.#actFrom,
      decided: (event) => this.#recorder.decided(event),
      acted: (intent, tookMs) => this.#acted(intent, tookMs),
      verified: (intent) => this.#resolved(intent),
      lifted: ({ policy, checks }) => this.#recorder.lifted(policy, checks, clock.now()),
      troubled: (where, detail) => this.#troubled(where, detail),
    });
  }

  #observed(check: CheckSpec, target: TargetId, seen: Observation): Pace {
    const state = this.#judge.observed(check, target, seen);
    // Before anybody is blamed, what this check depends on is looked at again.
    if (seen.kind === "fail" && state.failing.count <= check.thresholds.fall) this.#observer.hasten(explainingLooks(check, target, this.#roll.checks));
    if (seen.kind === "fail") this.#observer.hasten(siblingLooks(check, target, this.#roll));
    this.#recovery.observed(lookKey(check.name, target), seen);
    // Whether an action helped is worth knowing soon.
    return this.#underway.awaiting(target) ? "transition" : paceOf(state);
  }

  #turned(look: LookStatus): void {
    if (look.verdict !== "healthy") return;
    const states = this.#judge.states();
    const others = checksAt(look.target, this.#roll.checks).some((check) => states.get(lookKey(check.name, look.target))?.verdict !== "healthy");
    const forgotten = [this.#standing.forget(look.target, look.check), ...(others ? [] : [this.#standing.forget(look.target, null)])];
    void Promise.all(forgotten).catch((error: unknown) => this.#troubled("state", messageOf(error)));
  }

  #acted(intent: Intent, tookMs: Ms): void {
    this.#recorder.acted({ at: this.#parts.clock.now(), intent, tookMs });
    if (intent.state.phase === "awaiting_verification") this.#carriedOut(intent, intent.state.doneAt);
  }

  /** What was seen before says nothing about what runs now. */
  #carriedOut(intent: Intent, doneAt: Instant): void {
    const { target } = intent.proposal;
    this.#underway.carriedOut(intent);
    if (this.#roll.target(target) === null) return;
    this.#told.startedAt.set(target, doneAt);
    this.#judge.reset(target);
    this.#observer.forget(target);
    this.#observer.hasten(checksAt(target, this.#roll.checks).map((check) => lookKey(check.name, target)));
    this.#recheckProcess(target);
  }

  /** A child that died while we were acting was not told as an exit then. */
  #recheckProcess(target: TargetId): void {
    void this.#exits?.refresh(target).then((running) => {
      if (running === 0 && !this.#underway.acting(target)) this.processExited(target, "no process runs after the action");
    });
  }

  #resolved(intent: Intent): void {
    if (intent.state.phase === "awaiting_verification") return this.#acted(intent, 0);
    this.#underway.resolved(intent);
    this.#recorder.verified({ at: this.#parts.clock.now(), intent });
  }

  #policies(): readonly PolicySpec[] {
    const { policies, unavailable } = this.#parts;
    const inModes = inOrderedModes(policies, this.#standing.modes());
    return unavailable === undefined ? inModes : inModes.map((policy) => ({ ...policy, unavailable: policy.unavailable ?? unavailable(policy.name) }));
  }

  #views(): Parameters<typeof takeSnapshot>[0] {
    return {
      site: this.#parts.site, at: this.#parts.clock.now(), beganAt: this.#beganAt, targets: this.#roll.targets, checks: this.#roll.checks,
      policies: this.#policies(), judge: this.#judge, observer: this.#observer, recovery: this.#recovery, standing: this.#standing,
      openIntents: this.#underway.actor.open(), breakers: this.#told.breakers(), gateway: this.#told.gateway(), troubles: this.#told.troubles,
    };
  }

  #troubled(where: Troubled["where"], detail: string): void {
    this.#recorder.troubled({ at: this.#parts.clock.now(), where, detail });
  }
}
