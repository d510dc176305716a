/**
 * What was done to an object of the cluster, or held back, on that object's own page
 * (`kubectl describe`): one note per action, per outcome and per new hold.
 *
 * A listener to events: it queues and returns. The queue is bounded and the oldest is dropped, counted;
 * one note is written at a time, and nothing in the recovery path ever waits for it.
 */
import type { Intent } from "../core/intent.ts";
import type { Decision, Proposal } from "../core/proposal.ts";
import { podName, SITE } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Cluster, ClusterNote } from "../ports/cluster.ts";
import type { EventListener, Troubled } from "../ports/events.ts";
import { entryOf } from "./outcomes.ts";

/** Notes on their way. */
export const MAX_WAITING_NOTES = 256;
/** Holds that were noted; the same one is not noted again within ten minutes. More than thousands of pods have at once: of what is forgotten a note is left at every step. */
const MAX_HOLDS = 10_000;
const HOLD_AGAIN_MS: Ms = 600_000;

export type ClusterNotesParts = {
  readonly cluster: Pick<Cluster, "note" | "pod" | "deployment" | "autoscalers">;
  readonly clock: Clock;
  readonly troubled: (where: Troubled["where"], detail: string) => void;
};

export interface ClusterNotes {
  /** To be subscribed; never throws, never waits. */
  readonly listener: EventListener;
  /** Notes that were dropped because too many waited. */
  dropped(): number;
  /** Resolves when nothing waits any more. */
  idle(): Promise<void>;
  /** What waits is dropped; resolves when the running one has ended. */
  stop(): Promise<void>;
}

type Kind = ClusterNote["about"]["kind"];
/** `uid` null: to be looked up. */
type About = { readonly kind: Kind; readonly name: string; readonly uid: string | null };
type Draft = Omit<ClusterNote, "about"> & { readonly about: About };

export function createClusterNotes(parts: ClusterNotesParts): ClusterNotes {
  return new QueuedNotes(parts);
}

class QueuedNotes implements ClusterNotes {
  readonly #parts: ClusterNotesParts;
  readonly #stopping = new AbortController();
  readonly #holds = new Map<string, Instant>();
  #waiting: Draft[] = [];
  #writing: Promise<void> | null = null;
  #dropped = 0;
  /** The last problem told, until a note is written again. */
  #told = "";

  constructor(parts: ClusterNotesParts) {
    this.#parts = parts;
  }

  readonly listener: EventListener = (event) => {
    if (event.kind === "decided") this.#put(this.#ofDecision(event.decision));
    if (event.kind === "acted" || event.kind === "verified") this.#put(ofOutcome(event.intent, event.at));
  };

  dropped(): number {
    return this.#dropped;
  }

  async idle(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#waiting = [];
    await this.#writing;
  }

  #put(draft: Draft | null): void {
    if (draft === null || this.#stopping.signal.aborted) return;
    this.#waiting.push(draft);
    if (this.#waiting.length > MAX_WAITING_NOTES) {
      this.#waiting.shift();
      this.#dropped += 1;
    }
    this.#write();
  }

  #write(): void {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null;
      // Put after the last look at the queue, and before this.
      if (this.#waiting.length > 0) this.#write();
    });
  }

  #ofDecision(decision: Decision): Draft | null {
    const { proposal } = decision;
    const about = aboutOf(proposal);
    if (about === null) return null;
    switch (decision.kind) {
      case "act":
        this.#forgetHolds(proposal);
        return { about, type: "Normal", reason: "ActionBegun", action: proposal.action, text: `${proposal.action}, attempt ${decision.attempt}: ${proposal.why}` };
      case "hold":
        if (!this.#isNew(`${proposal.policy}|${proposal.target}|${decision.guard}`)) return null;
        return { about, type: "Normal", reason: "ActionHeld", action: proposal.action, text: `${proposal.action} held (${decision.guard}): ${decision.reason}` };
      case "escalate":
        return { about, type: "Warning", reason: "PersonCalled", action: proposal.action, text: `${decision.alert} is called: ${decision.reason}. ${proposal.why}` };
    }
  }

  /** A hold that comes and goes between two others is no news each time. */
  #isNew(key: string): boolean {
    const now = this.#parts.clock.now();
    const noted = this.#holds.get(key);
    this.#holds.delete(key);
    this.#holds.set(key, now);
    const [oldest] = this.#holds.keys();
    if (this.#holds.size > MAX_HOLDS && oldest !== undefined) this.#holds.delete(oldest);
    return noted === undefined || now - noted > HOLD_AGAIN_MS;
  }

  /** What is held after an action is another hold. */
  #forgetHolds({ policy, target }: Proposal): void {
    for (const key of this.#holds.keys()) if (key.startsWith(`${policy}|${target}|`)) this.#holds.delete(key);
  }

  async #writeAll(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        await this.#leave(next);
        this.#told = "";
      } catch (error) {
        this.#tell(error instanceof Error ? error.message : String(error));
      }
    }
  }

  async #leave({ about: { kind, name, uid }, ...rest }: Draft): Promise<void> {
    const { signal } = this.#stopping;
    const known = uid ?? (await this.#uidOf(kind, name));
    // Gone without a trace: nobody would look there any more.
    if (known !== null) await this.#parts.cluster.note({ about: { kind, name, uid: known }, ...rest }, signal);
  }

  async #uidOf(kind: Kind, name: string): Promise<string | null> {
    const { cluster } = this.#parts;
    const { signal } = this.#stopping;
    switch (kind) {
      case "Pod":
        return (await cluster.pod(name, signal))?.uid ?? null;
      case "Deployment":
        return (await cluster.deployment(name, signal))?.uid ?? null;
      case "HorizontalPodAutoscaler":
        return (await cluster.autoscalers(signal)).find((one) => one.name === name)?.uid ?? null;
    }
  }

  /** While no right is given every note would say the same. */
  #tell(problem: string): void {
    if (problem === this.#told || this.#stopping.signal.aborted) return;
    this.#told = problem;
    this.#parts.troubled("cluster", `a note could not be left: ${problem}`);
  }
}

function ofOutcome(intent: Intent, at: Instant): Draft | null {
  const about = aboutOf(intent.proposal);
  if (about === null || intent.id === "") return null;
  const { text: outcome } = entryOf(intent, at);
  const text = "effect" in intent.state ? `${outcome} (${inWords(intent.state.effect)})` : outcome;
  const common = { about, action: intent.proposal.action, text };
  switch (intent.state.phase) {
    case "intended":
      return null;
    case "awaiting_verification":
      return { ...common, type: "Normal", reason: "ActionDone" };
    case "verified":
      return { ...common, type: "Normal", reason: intent.state.verifiedAt === intent.state.doneAt ? "ActionDone" : "ActionHelped" };
    case "not_verified":
      return { ...common, type: "Warning", reason: "ActionDidNotHelp" };
    case "refused":
      return { ...common, type: "Warning", reason: "ActionRefused" };
    case "uncertain":
      return { ...common, type: "Warning", reason: "ActionUncertain" };
  }
}

/** "pod web-1, method evict". */
function inWords(effect: Readonly<Record<string, unknown>> = {}): string {
  const said = Object.entries(effect).filter(([, value]) => typeof value === "string" || typeof value === "number");
  return said.map(([name, value]) => `${name} ${String(value)}`).join(", ");
}

/** Remedies whose object is the workload itself. */
const OF_THE_WORKLOAD: readonly string[] = ["rollout_restart", "scale_up", "pre_scale"];

/** The object a proposal is about; null where it is none of the cluster's. */
function aboutOf({ precondition, target, workload, remedy }: Proposal): About | null {
  switch (precondition.kind) {
    case "pod":
      return { kind: "Pod", name: precondition.name, uid: precondition.uid };
    case "size":
      return { kind: precondition.of === "autoscaler" ? "HorizontalPodAutoscaler" : "Deployment", name: precondition.name, uid: null };
    case "generation":
      return { kind: "Deployment", name: precondition.deployment, uid: null };
    case "process":
    case "no_process":
      return null;
    case "none": {
      // Held before anybody looked at it.
      if (OF_THE_WORKLOAD.includes(remedy)) return workload === SITE ? null : { kind: "Deployment", name: workload, uid: null };
      const pod = podName(target);
      return pod === null ? null : { kind: "Pod", name: pod, uid: null };
    }
  }
}
