/**
 * A supervised child at the daemon's start: adopted when it runs, else started, by the
 * same protocol as every other action.
 */
import type { Intent } from "../core/intent.ts";
import type { Proposal } from "../core/proposal.ts";
import type { Target } from "../core/target.ts";
import type { Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { ProcessRef } from "../ports/processes.ts";
import type { Remedy } from "../ports/remedy.ts";
import type { Actor } from "./act.ts";

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
