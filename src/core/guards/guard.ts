/**
 * What a guard is: one question, answered from the scene alone.
 */
import type { Episode } from "../episode.ts";
import { episodeKey } from "../episode.ts";
import type { PolicySpec } from "../policy.ts";
import type { GuardName, Proposal, Verdict } from "../proposal.ts";
import type { Scene } from "../scene.ts";
import type { TargetId } from "../target.ts";
import type { Instant } from "../time.ts";

export type Question = { readonly proposal: Proposal; readonly policy: PolicySpec; readonly scene: Scene };

/** A hold that a person should hear of, once per episode. */
export type Answer = Verdict | { readonly kind: "page"; readonly guard: GuardName; readonly reason: string };

export type Guard = {
  readonly name: GuardName;
  /** Never throws; the same question always has the same answer. */
  readonly ask: (question: Question) => Answer;
};

export const ALLOW: Answer = { kind: "allow" };

export function hold(guard: GuardName, reason: string, until: Instant | null): Answer {
  return { kind: "hold", guard, reason, until };
}

/** A guard whose question only the remedy can put to the world, so that the answer comes with the proposal. */
export function found(name: "unseen" | "disruption" | "autoscaler"): Guard {
  return { name, ask: ({ proposal: { wait } }) => (wait?.guard === name ? hold(name, wait.reason, wait.until) : ALLOW) };
}

/**
 * Calls a person, once per episode, and not while one has acknowledged it: they know. A hold where nobody is to be called any more.
 *
 * @param about the targets the call is about; who has acknowledged one of them knows of it.
 */
export function callOnce(guard: GuardName, reason: string, about: readonly TargetId[], question: Question): Answer {
  const { proposal, scene } = question;
  const episode = episodeOf(question);
  const called = episode?.escalated[guard] !== undefined;
  // What was said of an earlier trouble, or of another check, says nothing of this one.
  const since = Math.min(proposal.since, episode?.openedAt ?? Infinity);
  const known = scene.acknowledgements.some((ack) => about.includes(ack.target) && (ack.check === null || proposal.evidence.includes(ack.check)) && ack.at >= since);
  return called || known ? hold(guard, reason, null) : { kind: "page", guard, reason };
}

/** The ladder this proposal stands on, if one was begun. */
export function episodeOf({ proposal, scene }: Question): Episode | undefined {
  return scene.episodes.get(episodeKey(proposal.workload, proposal.cause));
}
