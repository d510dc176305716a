/** Which targets an action of ours is at work on: being carried out, or awaiting verification. */
import type { Intent } from "../core/intent.ts";
import type { TargetId } from "../core/target.ts";
import type { Actor } from "./act.ts";

export interface Underway {
  /** The actor, with a note of what it acts on. */
  readonly actor: Actor;
  /** Being carried out now. */
  acting(target: TargetId): boolean;
  /** Carried out, and not known yet whether it helped. */
  awaiting(target: TargetId): boolean;
  /** Awaits verification from now on; a target may have several, when a start has failed and the next was made. */
  carriedOut(intent: Intent): void;
  resolved(intent: Intent): void;
}

export function createUnderway(actor: Actor): Underway {
  const acting = new Map<TargetId, number>();
  /** Intent ids by target. */
  const awaiting = new Map<TargetId, Set<string>>();
  const count = (target: TargetId, by: number): void => {
    const next = (acting.get(target) ?? 0) + by;
    if (next > 0) acting.set(target, next);
    else acting.delete(target);
  };
  return {
    actor: {
      resume: (signal) => actor.resume(signal),
      verify: (checks, signal) => actor.verify(checks, signal),
      open: () => actor.open(),
      intent: (id) => actor.intent(id),
      recentActions: () => actor.recentActions(),
      act: async (decision, who, signal) => {
        const { target } = decision.proposal;
        count(target, 1);
        try {
          return await actor.act(decision, who, signal);
        } finally {
          count(target, -1);
        }
      },
    },
    acting: (target) => acting.has(target),
    awaiting: (target) => awaiting.has(target),
    carriedOut: ({ id, proposal }) => void awaiting.set(proposal.target, (awaiting.get(proposal.target) ?? new Set()).add(id)),
    resolved: ({ id, proposal }) => {
      const left = awaiting.get(proposal.target);
      left?.delete(id);
      if (left?.size === 0) awaiting.delete(proposal.target);
    },
  };
}
