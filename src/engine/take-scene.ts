/**
 * Takes the picture that guards judge by: what the configuration fixes, what others
 * know, what is recorded, and what is under way at this very moment.
 */
import type { BreakerView } from "../core/breaker.ts";
import type { CheckState } from "../core/check-state.ts";
import type { EpisodeMark, PastAction } from "../core/episode.ts";
import { episodeKey, withAttempts } from "../core/episode.ts";
import type { Evidence } from "../core/evidence.ts";
import type { LookSample, Memory } from "../core/look-window.ts";
import { addSample, memoryFor } from "../core/look-window.ts";
import type { Observation } from "../core/observation.ts";
import type { PolicySpec } from "../core/policy.ts";
import type { Decision } from "../core/proposal.ts";
import type { Acknowledgement, GuardSettings, OpenAction, Pause, RegionHealth, Scene, Storm } from "../core/scene.ts";
import { updateStorms } from "../core/storm.ts";
import type { LookKey, TargetId } from "../core/target.ts";
import { SITE, splitLookKey } from "../core/target.ts";
import type { Instant } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Actor } from "./act.ts";
import type { Roll } from "./roll.ts";
import type { JudgedCheck } from "./verify.ts";

/** Where recovery reads what others know. All calls are cheap and synchronous. */
export type RecoveryView = {
  checks(): ReadonlyMap<LookKey, CheckState>;
  /** Looks that flap now. */
  flapping(): ReadonlySet<LookKey>;
  evidence(): ReadonlyMap<TargetId, Evidence>;
  breakers(): readonly BreakerView[];
  pauses(): readonly Pause[];
  acknowledgements(): readonly Acknowledgement[];
  /** Last known start of each target. */
  startedAt(): ReadonlyMap<TargetId, Instant>;
};

export type SceneParts = {
  readonly roll: Roll;
  readonly settings: GuardSettings;
  readonly regions?: () => ReadonlyMap<string, RegionHealth>;
  readonly timeZone: string;
  readonly actionsPerMinute: number;
  /** Nothing is done of our own accord before this instant; -Infinity: at once. */
  readonly actFrom: () => Instant;
  readonly clock: Clock;
  readonly actor: Pick<Actor, "open" | "recentActions">;
  readonly view: RecoveryView;
};

/** Regions are watched by a role that has no place in a single daemon: without one, no region is unhealthy. */
const NO_REGIONS: ReadonlyMap<string, RegionHealth> = new Map();

type Underway = { readonly decision: Extract<Decision, { kind: "act" }>; readonly at: Instant };

export class SceneTaker {
  readonly #parts: SceneParts;
  readonly #memories: ReadonlyMap<string, Memory>;
  readonly #looks = new Map<LookKey, LookSample[]>();
  readonly #underway = new Set<Underway>();
  #storms: readonly Storm[] = [];

  constructor(parts: SceneParts, policies: readonly PolicySpec[]) {
    this.#parts = parts;
    const triggers = policies.map((policy) => policy.trigger);
    const memories = parts.roll.checks.map((spec) => [spec.name, memoryFor(triggers, spec)] as const);
    this.#memories = new Map(memories.flatMap(([name, memory]) => (memory === null ? [] : [[name, memory] as const])));
  }

  /** Remembers a look, where a trigger asks about its check over time. */
  observed(key: LookKey, seen: Observation): void {
    const memory = this.#memories.get(splitLookKey(key).check);
    if (memory === undefined) return;
    const samples = this.#looks.get(key) ?? [];
    this.#looks.set(key, samples);
    addSample(samples, seen, memory);
  }

  /** Nobody looks there any more. */
  forget(keys: readonly LookKey[]): void {
    for (const key of keys) this.#looks.delete(key);
  }

  /** An action begins that may not be recorded yet. Returns a function to call when it has ended. */
  underway(decision: Extract<Decision, { kind: "act" }>, at: Instant): () => void {
    const entry = { decision, at };
    this.#underway.add(entry);
    return () => void this.#underway.delete(entry);
  }

  /** Check states as verification reads them. */
  judged(): readonly JudgedCheck[] {
    const born = this.#parts.view.startedAt();
    return [...this.#parts.view.checks()].map(([key, state]) => {
      const seen = state.lastEvidence;
      const { check, target } = splitLookKey(key);
      return { check, target, workload: this.#parts.roll.target(target)?.workload ?? SITE, bornAt: born.get(target) ?? null, verdict: state.verdict, since: state.since, lastSeen: seen === null ? null : { at: seen.at, level: seen.kind } };
    });
  }

  take(marks: readonly EpisodeMark[]): Scene {
    const { roll, settings, timeZone, actionsPerMinute, actFrom, clock, view } = this.#parts;
    const { checks: specs, targets, startupGrace } = roll;
    const now = clock.now();
    const checks = view.checks();
    this.#storms = updateStorms(this.#storms, { now, settings, specs, targets, checks });
    const actions = this.#actions();
    return {
      now, wall: clock.wall(), actFrom: actFrom(), timeZone, settings, actionsPerMinute, targets, startupGrace, specs, checks, actions,
      startedAt: view.startedAt(),
      flapping: view.flapping(),
      looks: this.#looks,
      regions: this.#parts.regions?.() ?? NO_REGIONS,
      evidence: view.evidence(),
      breakers: view.breakers(),
      pauses: view.pauses(),
      acknowledgements: view.acknowledgements(),
      episodes: new Map(marks.map((mark) => [episodeKey(mark.workload, mark.cause), withAttempts(mark, actions)])),
      openActions: this.#openActions(),
      storms: this.#storms,
    };
  }

  #unrecorded(): readonly Underway[] {
    const open = this.#parts.actor.open();
    const recorded = ({ decision, at }: Underway): boolean => open.some((intent) => intent.proposal.target === decision.proposal.target && intent.recordedAt >= at);
    return [...this.#underway].filter((entry) => !recorded(entry));
  }

  #actions(): readonly PastAction[] {
    const begun = this.#unrecorded().map(({ decision: { proposal }, at }): PastAction => {
      const { policy, target, workload, cause, destructive } = proposal;
      return { intentId: "", policy, target, workload, cause, destructive, at, phase: "intended", doneAt: null, endedAt: null };
    });
    return [...this.#parts.actor.recentActions(), ...begun];
  }

  #openActions(): readonly OpenAction[] {
    const recorded = this.#parts.actor.open().map((intent): OpenAction => {
      const { target, workload, cause } = intent.proposal;
      const waiting = intent.state.phase === "awaiting_verification" ? intent.state : null;
      return { target, workload, cause, at: intent.recordedAt, doneAt: waiting?.doneAt ?? null, until: waiting?.verifyBy ?? intent.recordedAt + intent.verifyWithin };
    });
    const begun = this.#unrecorded().map(({ decision: { proposal, verifyWithin }, at }): OpenAction => {
      const { target, workload, cause } = proposal;
      return { target, workload, cause, at, doneAt: null, until: at + verifyWithin };
    });
    return [...recorded, ...begun];
  }
}
