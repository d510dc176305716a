/**
 * The restart ladder of one workload and one cause.
 *
 * An episode begins with the first firing and ends once nothing has fired for the
 * relapse time: a relapse within the hour belongs to the same episode (Cluster API's
 * minHealthyPeriod). What was done comes from the recorded actions; only what cannot
 * be read from them is kept as a mark.
 */
import type { IntentState } from "./intent.ts";
import type { GuardName } from "./proposal.ts";
import { podName, type TargetId } from "./target.ts";
import type { Instant, Ms } from "./time.ts";

/** A recorded action, as ladders, cool-downs, back-off and the budget count it. */
export type PastAction = {
  readonly intentId: string;
  readonly policy: string;
  readonly target: TargetId;
  readonly workload: string;
  readonly cause: string;
  readonly destructive: boolean;
  /** When its intent was recorded. */
  readonly at: Instant;
  readonly phase: IntentState["phase"];
  /** When it was carried out; null when it was not, or nobody knows. */
  readonly doneAt: Instant | null;
  /** When it was resolved; null while it is open. */
  readonly endedAt: Instant | null;
};

/** What an episode remembers beside the actions. JSON-safe. */
export type EpisodeMark = {
  readonly workload: string;
  readonly cause: string;
  readonly openedAt: Instant;
  /** When the trigger was last seen firing. */
  readonly lastFiringAt: Instant;
  /** When a person was called, by the guard that called; once each. */
  readonly escalated: Readonly<Partial<Record<GuardName, Instant>>>;
  /** A person acted: what came before does not count any more. */
  readonly rearmedAt: Instant | null;
  /** Pods by themselves; see guards/crash-loop.ts. At most MAX_MARKED_PODS, the newest. */
  readonly pods: Readonly<Record<TargetId, PodMark>>;
};

/** When a person was called for this very pod, and when one last acted on it. */
export type PodMark = { readonly calledAt: Instant | null; readonly rearmedAt: Instant | null };

/** Stands for all pods: the order was about their workload. */
export const ALL_PODS: TargetId = "";
export const MAX_MARKED_PODS = 50;

export type Episode = EpisodeMark & {
  /** Actions of this episode, refused ones too, oldest first. */
  readonly attempts: readonly PastAction[];
};

/** A cluster says to the second when a pod was made. */
const BIRTH_RESOLUTION_MS: Ms = 1_000;

export function episodeKey(workload: string, cause: string): string {
  return `${workload}|${cause}`;
}

/** Nothing has fired for the relapse time. */
export function isOver(mark: EpisodeMark, now: Instant, relapse: Ms): boolean {
  return now - mark.lastFiringAt >= relapse;
}

/** The trigger fires now: goes on with the episode, or begins one. */
export function fired(mark: EpisodeMark | undefined, workload: string, cause: string, now: Instant, relapse: Ms): EpisodeMark {
  if (mark !== undefined && !isOver(mark, now, relapse)) return { ...mark, lastFiringAt: now };
  return { workload, cause, openedAt: now, lastFiringAt: now, escalated: {}, rearmedAt: null, pods: {} };
}

/** A person was called by that guard, because of that target. */
export function escalatedBy(mark: EpisodeMark, guard: GuardName, target: TargetId, at: Instant): EpisodeMark {
  const escalated = { ...mark.escalated, [guard]: at };
  if (guard !== "crash_loop") return { ...mark, escalated };
  return { ...mark, escalated, pods: withPod(mark.pods, target, { calledAt: at, rearmedAt: podMark(mark, target).rearmedAt }) };
}

/** A person acted on that target: the ladder is climbed from its foot again, and the target's own count. An older order than the last one changes nothing. */
export function rearmed(mark: EpisodeMark, target: TargetId, at: Instant): EpisodeMark {
  const whole = at <= Math.max(mark.rearmedAt ?? mark.openedAt, mark.openedAt) ? mark : { ...mark, rearmedAt: at, escalated: {} };
  const pod = podName(target) === null ? ALL_PODS : target;
  if (at <= Math.max(whole.pods[pod]?.rearmedAt ?? mark.openedAt, mark.openedAt)) return whole;
  return { ...whole, pods: withPod(pod === ALL_PODS ? {} : whole.pods, pod, { calledAt: null, rearmedAt: at }) };
}

/** What is known of a pod, orders about all of them included. */
export function podMark({ pods }: EpisodeMark, target: TargetId): PodMark {
  const own = pods[target];
  const all = pods[ALL_PODS]?.rearmedAt ?? null;
  const at = own?.rearmedAt ?? null;
  return { calledAt: own?.calledAt ?? null, rearmedAt: at === null ? all : all === null ? at : Math.max(at, all) };
}

function withPod(pods: EpisodeMark["pods"], target: TargetId, mark: PodMark): EpisodeMark["pods"] {
  const others = Object.entries(pods).filter(([id]) => id !== target);
  return Object.fromEntries([...others, [target, mark] as const].slice(-MAX_MARKED_PODS));
}

/** Joins a mark with the recorded actions that belong to it. */
export function withAttempts(mark: EpisodeMark, actions: readonly PastAction[]): Episode {
  const from = mark.rearmedAt ?? mark.openedAt;
  const attempts = actions.filter((action) => action.workload === mark.workload && action.cause === mark.cause && action.at >= from);
  return { ...mark, attempts };
}

/**
 * Attempts within `within` that have failed, asked while the trigger fires for `target`.
 *
 * Not verified, uncertain and refused ones have (an application that cannot be started
 * needs a person as much as one that dies again); so has one that seemed to help this very
 * target, which needs it again; and one that is still open while a later one was made.
 *
 * @param bornAt when the target was made, where each attempt makes another one (a pod): an attempt that
 *   seemed to help has failed when what was born after it needs it again. null: it keeps its name.
 */
export function failedAttempts(episode: Episode, target: TargetId, within: Ms, now: Instant, bornAt: Instant | null = null): number {
  const counted = episode.attempts.filter((attempt) => attempt.at > now - within);
  return counted.filter((attempt, index) => {
    switch (attempt.phase) {
      case "not_verified":
      case "uncertain":
      case "refused":
        return true;
      case "verified":
        return attempt.target === target || (bornAt !== null && bornAt + BIRTH_RESOLUTION_MS > attempt.at);
      case "awaiting_verification":
        return counted.slice(index + 1).some((later) => later.target === attempt.target);
      case "intended":
        return false;
    }
  }).length;
}
