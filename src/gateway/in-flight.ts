/**
 * Requests under way, oldest first, and the classes of those that were just cut off.
 *
 * When an application dies, its connections break some milliseconds before anybody
 * hears of the death: by then the killer is no longer in flight. So classes that were
 * cut off are remembered for a while.
 */
import type { Instant } from "../core/time.ts";

/** One request under way; opaque to its holder but for `since`. */
export type InFlightToken = { readonly requestClass: string; readonly since: Instant };

export interface InFlight {
  enter(requestClass: string, at: Instant): InFlightToken;
  /** Leaving twice is no error. */
  leave(token: InFlightToken, cut: boolean, at: Instant): void;
  size(): number;
  oldestSince(): Instant | null;
  /** Classes under way, then those cut off since `since`, each once; at most MAX_SUSPECTS. */
  suspects(since: Instant): readonly string[];
}

/** Most classes named at one death. */
export const MAX_SUSPECTS = 64;

/** Most cut classes remembered. */
const MAX_CUT = 64;

/** An empty set of requests under way. Bounded by the connections the listener allows. */
export function createInFlight(): InFlight {
  // A set keeps the order of entering, so its first element is the oldest.
  const running = new Set<InFlightToken>();
  const cutAt = new Map<string, Instant>();

  return {
    enter(requestClass, since) {
      const token = { requestClass, since };
      running.add(token);
      return token;
    },
    leave(token, cut, at) {
      if (!running.delete(token) || !cut) return;
      cutAt.delete(token.requestClass);
      cutAt.set(token.requestClass, at);
      const [oldest] = cutAt.keys();
      if (cutAt.size > MAX_CUT && oldest !== undefined) cutAt.delete(oldest);
    },
    size: () => running.size,
    oldestSince() {
      for (const token of running) return token.since;
      return null;
    },
    suspects(since) {
      const classes = new Set<string>();
      for (const token of running) {
        classes.add(token.requestClass);
        if (classes.size >= MAX_SUSPECTS) break;
      }
      for (const [requestClass, at] of cutAt) {
        if (classes.size >= MAX_SUSPECTS) break;
        if (at >= since) classes.add(requestClass);
      }
      return [...classes];
    },
  };
}
