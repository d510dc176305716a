/**
 * Since when the application has answered 404 for pages we hold a 200 of.
 *
 * One such 404 proves nothing: a throttled Storefront API makes them. Bounded; the
 * oldest is forgotten first.
 */
import type { Instant, Ms } from "../core/time.ts";

export interface Contradictions {
  /** Notes a 404 and says how long they have been coming without a 200 between; 0 for the first. */
  seen(key: string, at: Instant): Ms;
  /** The page is there after all, or the API was not healthy: what was noted is no evidence. */
  clear(key: string): void;
}

const MOST = 1_024;

export function createContradictions(): Contradictions {
  const since = new Map<string, Instant>();
  return {
    seen(key, at) {
      const first = since.get(key);
      if (first !== undefined) return at - first;
      const [oldest] = since.keys();
      if (since.size >= MOST && oldest !== undefined) since.delete(oldest);
      since.set(key, at);
      return 0;
    },
    clear: (key) => void since.delete(key),
  };
}
