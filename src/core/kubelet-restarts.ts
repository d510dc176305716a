/** How often the kubelet has restarted a pod's application, as far as somebody has watched it do so. */
import type { Pod } from "./cluster.ts";
import type { Instant, Ms } from "./time.ts";

export type RestartsSeen = {
  /** What the pod's status counted last. */
  readonly count: number;
  /** When a further one was seen, oldest first; at most MOST_KEPT. */
  readonly at: readonly Instant[];
};

/** More say no more: a ladder has at most as many rungs. */
const MOST_KEPT = 20;

/** Takes in a pod's status. What it had counted before anybody looked is of no known time, and is not counted. */
export function seeRestarts(before: RestartsSeen | undefined, { containers }: Pick<Pod, "containers">, now: Instant): RestartsSeen {
  const count = containers.find(({ main }) => main)?.restarts ?? 0;
  if (before === undefined || count <= before.count) return { count, at: before?.at ?? [] };
  const added = Array.from({ length: Math.min(count - before.count, MOST_KEPT) }, () => now);
  return { count, at: [...before.at, ...added].slice(-MOST_KEPT) };
}

export function restartsSince(at: readonly Instant[], from: Instant, now: Instant, within: Ms): number {
  return at.filter((one) => one >= from && one > now - within).length;
}
