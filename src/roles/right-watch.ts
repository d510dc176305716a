/** Which recoveries lack a right, asked again now and then: what an operator grants or takes during a shift counts in it. */
import type { Config } from "../config/config.ts";
import type { Ms } from "../core/time.ts";
import { inTime, type Clock } from "../ports/clock.ts";
import type { Cluster } from "../ports/cluster.ts";
import { findRights, rightText, withoutMissing, type RightFound, type RightPurpose } from "./cluster-rights.ts";

export type RightWatchParts = {
  readonly config: Config;
  readonly cluster: Cluster;
  readonly clock: Clock;
  /** Once for each right that is found missing, and when it is there again. */
  readonly changed: (right: string, purpose: RightPurpose, allowed: boolean) => void;
  /** They cannot be asked for now; what was known before still counts. */
  readonly unknown: (why: string) => void;
};

export interface RightWatch {
  /** Why the policy's recovery is only recorded; null: nothing is missing, as far as is known. */
  missing(policy: string): string | null;
  stop(): void;
}

export const ASK_EVERY_MS: Ms = 300_000;
/** For all questions of one time together. */
const ASK_WITHIN_MS: Ms = 30_000;

/**
 * Resolves once they were asked for the first time, answered or not. Never rejects.
 *
 * @param signal ends that first asking.
 */
export async function watchRights(parts: RightWatchParts, signal: AbortSignal): Promise<RightWatch> {
  const { config, cluster, clock } = parts;
  const stopping = new AbortController();
  let reasons: ReadonlyMap<string, string> = new Map();
  let lacking: ReadonlySet<string> = new Set();
  let cancel = (): void => {};

  const take = (found: readonly RightFound[]): void => {
    const now = new Set<string>();
    for (const { right, for: purpose, allowed } of found) {
      const text = rightText(right);
      const key = `${text}|${purpose}`;
      if (!allowed) now.add(key);
      if (allowed === lacking.has(key)) parts.changed(text, purpose, allowed);
    }
    lacking = now;
    reasons = new Map(withoutMissing(config.policies, found).flatMap(({ name, unavailable }) => (unavailable === null ? [] : [[name, unavailable]])));
  };
  const ask = async (early: AbortSignal): Promise<void> => {
    try {
      const found = await inTime(clock, ASK_WITHIN_MS, (late) => findRights(config, cluster, AbortSignal.any([late, early])));
      if (!stopping.signal.aborted) take(found);
    } catch (error) {
      if (!early.aborted) parts.unknown(error instanceof Error ? error.message : String(error));
    }
    if (!stopping.signal.aborted) cancel = clock.after(ASK_EVERY_MS, () => void ask(stopping.signal));
  };

  await ask(signal);
  return {
    missing: (policy) => reasons.get(policy) ?? null,
    stop: () => {
      stopping.abort(new Error("stopped"));
      cancel();
    },
  };
}
