/**
 * A supervised child at the daemon's start: adopted when it runs, else started, by the
 * same protocol as every other action.
 */
import type { Intent } from "../core/intent.ts";
import type { Proposal } from "../core/proposal.ts";
import type { Target, TargetId } from "../core/target.ts";
import type { Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { ProcessRef } from "../ports/processes.ts";
import type { Remedy } from "../ports/remedy.ts";
import { StateStoreError } from "../ports/state-store.ts";
import type { Actor } from "./act.ts";
import { messageOf } from "./record.ts";

export type Supervision =
  /** It runs already: our own from before our last end, found by its marker. */
  | { readonly kind: "adopted"; readonly ref: ProcessRef }
  /** `intent.state` tells: `awaiting_verification`, `refused` or `uncertain`. */
  | { readonly kind: "started"; readonly intent: Intent };

/**
 * Adopts the target's process, or starts it. Call once per supervised target, after `actor.resume()`.
 *
 * @param remedy `restart_process`, bound to its ports.
 * @param verifyWithin the target's start-up grace.
 * @throws {StateStoreError} as `actor.act` does.
 */
export async function adoptOrStart(actor: Actor, remedy: Remedy, target: Target, clock: Clock, verifyWithin: Ms, signal: AbortSignal): Promise<Supervision> {
  const { precondition, destructive, gone } = await remedy.prepare(target, {}, signal);
  if (precondition.kind === "process") return { kind: "adopted", ref: { pid: precondition.pid, startTime: precondition.startTime } };
  const proposal: Proposal = {
    policy: "supervise", action: "start", remedy: "restart_process", target: target.id, workload: target.workload, cause: "supervise",
    evidence: [], since: clock.now(), why: "it is kept by us and does not run", destructive, gone, precondition, params: {},
  };
  return { kind: "started", intent: await actor.act({ kind: "act", proposal, attempt: 1, verifyWithin }, "shopkeeper", signal) };
}

export type SuperviseParts = {
  readonly actor: Actor;
  /** `restart_process`, bound to its ports. */
  readonly remedy: Remedy;
  /** Supervised ones, in the order of the configuration. */
  readonly targets: readonly Target[];
  readonly clock: Clock;
  /** Time a started child has to turn healthy; absent: 60 s. */
  readonly startupGrace: ReadonlyMap<TargetId, Ms>;
  readonly adopted: (target: TargetId) => Promise<unknown>;
  readonly started: (intent: Intent) => void;
  readonly troubled: (detail: string) => void;
};

/** Time a started child has to turn healthy where no grace is configured. */
const START_MS: Ms = 60_000;

/** Adopts or starts every supervised child, one after the other. @throws {StateStoreError} */
export async function superviseAll({ actor, remedy, targets, clock, startupGrace, adopted, started, troubled }: SuperviseParts, signal: AbortSignal): Promise<void> {
  for (const target of targets) {
    if (signal.aborted) return;
    try {
      const supervision = await adoptOrStart(actor, remedy, target, clock, startupGrace.get(target.id) ?? START_MS, signal);
      if (supervision.kind === "started") started(supervision.intent);
      else await adopted(target.id);
    } catch (error) {
      // Without its child the site is still worth watching; without its store it is not.
      if (error instanceof StateStoreError) throw error;
      troubled(`${target.id} could not be adopted or started: ${messageOf(error)}`);
    }
  }
}
