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
  const running = createRow();
  const cutAt = new Map<string, Instant>();

  return {
    enter: (requestClass, since) => running.append(requestClass, since),
    leave(token, cut, at) {
      if (!running.remove(token as Link) || !cut) return;
      cutAt.delete(token.requestClass);
      cutAt.set(token.requestClass, at);
      const [oldest] = cutAt.keys();
      if (cutAt.size > MAX_CUT && oldest !== undefined) cutAt.delete(oldest);
    },
    size: () => running.size(),
    oldestSince: () => running.first()?.since ?? null,
    suspects(since) {
      const classes = new Set<string>();
      for (let token = running.first(); token !== null && classes.size < MAX_SUSPECTS; token = token.next) classes.add(token.requestClass);
      for (const [requestClass, at] of cutAt) {
        if (classes.size >= MAX_SUSPECTS) break;
        if (at >= since) classes.add(requestClass);
      }
      return [...classes];
    },
  };
}

/** A token in its place among the others. */
type Link = { readonly requestClass: string; readonly since: Instant; before: Link | null; next: Link | null; listed: boolean };

type Row = {
  append(requestClass: string, since: Instant): Link;
  /** @returns false when it was not in the row any more. */
  remove(link: Link): boolean;
  first(): Link | null;
  size(): number;
};

/** Links in the order of their coming. A Set keeps that order too, but is built anew every few hundred requests, and is asked for its first at each. */
function createRow(): Row {
  let first: Link | null = null;
  let last: Link | null = null;
  let size = 0;
  return {
    append(requestClass, since) {
      const link: Link = { requestClass, since, before: last, next: null, listed: true };
      if (last === null) first = link;
      else last.next = link;
      last = link;
      size += 1;
      return link;
    },
    remove(link) {
      if (!link.listed) return false;
      link.listed = false;
      if (link.before === null) first = link.next;
      else link.before.next = link.next;
      if (link.next === null) last = link.before;
      else link.next.before = link.before;
      link.before = link.next = null;
      size -= 1;
      return true;
    },
    first: () => first,
    size: () => size,
  };
}
