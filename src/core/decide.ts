/**
 * Proposals and guards make decisions: plain values that say what is done, what is
 * held and why, and when a person is called.
 */
import { episodeKey, escalatedBy } from "./episode.ts";
import type { Answer, Guard, Question } from "./guards/guard.ts";
import { ALLOW } from "./guards/guard.ts";
import { BEFORE_LOOKING, GUARDS, SAFETY_GUARDS } from "./guards/index.ts";
import type { PolicySpec } from "./policy.ts";
import type { Decision, Proposal } from "./proposal.ts";
import type { Scene } from "./scene.ts";

/** A proposal with the policy that made it; its `mode` is the one in force. */
export type Asked = { readonly proposal: Proposal; readonly policy: PolicySpec };

/**
 * Answers every proposal, in the order in which they are to be carried out: what is gone
 * first, then the longest failing. What is decided upon counts for those after it, so that
 * one round never acts twice on a target nor beyond the blast radius, nor calls a person twice.
 */
export function decide(asked: readonly Asked[], scene: Scene): readonly Decision[] {
  let current = scene;
  return inOrder(asked).map(({ proposal, policy }) => {
    const decision = answer({ proposal, policy, scene: current }, GUARDS);
    if (decision.kind === "act") current = afterAction(current, proposal, policy);
    if (decision.kind === "escalate") current = afterCall(current, decision);
    return decision;
  });
}

/** A person's own proposal: pace, ladder, pause, windows and modes do not count; the safety checks do. */
export function decideManual(asked: Asked, scene: Scene): Decision {
  return answer({ ...asked, scene }, SAFETY_GUARDS);
}

/** Whether a proposal is held whatever its remedy would find when it looked at the world, so that it need not look. */
export function isHeldAnyway(asked: Asked, scene: Scene): boolean {
  return firstObjection({ ...asked, scene }, BEFORE_LOOKING).kind !== "allow";
}

function answer(question: Question, guards: readonly Guard[]): Decision {
  const { proposal, policy } = question;
  const first = firstObjection(question, guards);
  switch (first.kind) {
    case "allow":
      return { kind: "act", proposal, attempt: attemptsOf(question) + 1, verifyWithin: policy.verifyWithin };
    case "hold":
      return { kind: "hold", proposal, guard: first.guard, reason: first.reason, until: first.until };
    case "page":
      // Without anybody to call it is a hold like any other.
      if (policy.escalation === null) return { kind: "hold", proposal, guard: first.guard, reason: first.reason, until: null };
      return { kind: "escalate", proposal, guard: first.guard, alert: policy.escalation.alert, reason: first.reason };
  }
}

function firstObjection(question: Question, guards: readonly Guard[]): Answer {
  for (const guard of guards) {
    const given = guard.ask(question);
    if (given.kind !== "allow") return given;
  }
  return ALLOW;
}

function attemptsOf({ proposal, scene }: Question): number {
  return scene.episodes.get(episodeKey(proposal.workload, proposal.cause))?.attempts.length ?? 0;
}

function inOrder(asked: readonly Asked[]): readonly Asked[] {
  const rank = ({ proposal }: Asked): number => (proposal.gone ? 0 : proposal.destructive ? 2 : 1);
  return asked.toSorted((a, b) => rank(a) - rank(b) || a.proposal.since - b.proposal.since || compare(a.proposal.target, b.proposal.target) || compare(a.policy.name, b.policy.name));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The scene as it will be once the action is under way. Its cool-down begins only with the next round: one round may use the whole blast radius. */
function afterAction(scene: Scene, proposal: Proposal, policy: PolicySpec): Scene {
  const { target, workload, cause, destructive } = proposal;
  const open = { target, workload, cause, at: scene.now, doneAt: null, until: scene.now + policy.verifyWithin };
  // Its own policy is left out of the record, because cool-downs count by policy and the budget does not.
  const done = { intentId: "", policy: "", target, workload, cause, destructive, at: scene.now, phase: "intended" as const, doneAt: null, endedAt: null };
  return { ...scene, openActions: [...scene.openActions, open], actions: [...scene.actions, done] };
}

/** The scene as it will be once a person has been called: once per episode, however many of its targets fail. */
function afterCall(scene: Scene, { proposal, guard }: Extract<Decision, { kind: "escalate" }>): Scene {
  const key = episodeKey(proposal.workload, proposal.cause);
  const episode = scene.episodes.get(key);
  if (episode === undefined) return scene;
  return { ...scene, episodes: new Map([...scene.episodes, [key, { ...episode, ...escalatedBy(episode, guard, proposal.target, scene.now), attempts: episode.attempts }]]) };
}
