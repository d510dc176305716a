/**
 * Keeps the listed pages stored: at the start, and again before each goes stale.
 */
import { cacheKey } from "../core/cache-key.ts";
import type { RouteSpec } from "../core/preset.ts";
import type { Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { CopyStore } from "../ports/copy-store.ts";
import { goesStaleSoon, type Filler } from "./fill.ts";

/** A name under which buyers reach the shop. */
export type FrontDoor = { readonly scheme: "http" | "https"; readonly host: string };

export type WarmParts = {
  readonly paths: readonly string[];
  readonly clock: Clock;
  readonly copies: Pick<CopyStore, "get">;
  readonly filler: Filler;
  /** Of a path; null where it is not a page's. */
  readonly routeOf: (path: string) => RouteSpec | null;
};

export interface Warmer {
  /** Warms for this door too, from now on: the shop has answered to it. Only the first few are taken. */
  learn(scheme: FrontDoor["scheme"], host: string): void;
  /** One of the doors learnt. */
  knows(scheme: FrontDoor["scheme"], host: string): boolean;
  start(): void;
  close(): void;
}

/** How often the list is looked at. */
const LOOK_EVERY: Ms = 5_000;
/** Names under which one shop is kept warm. */
const MOST_DOORS = 8;

export function createWarmer({ paths, clock, copies, filler, routeOf }: WarmParts): Warmer {
  const doors = new Map<string, FrontDoor>();
  const pages = paths.flatMap((path) => {
    const route = routeOf(path);
    return route === null ? [] : [{ path, route }];
  });
  let cancel: (() => void) | null = null;
  let last: FrontDoor = { scheme: "http", host: "" };

  const look = (): void => {
    const now = clock.now();
    for (const { scheme, host } of doors.values()) {
      for (const { path, route } of pages) {
        const key = cacheKey({ scheme, host, agent: "browser", market: "", encoding: "identity", path, query: "" });
        if (goesStaleSoon(copies.get(key), now)) filler.want({ key, route, path, query: "", scheme, host, agent: "browser" });
      }
    }
    cancel = clock.after(LOOK_EVERY, look);
  };

  return {
    learn(scheme, host) {
      // Told with every page, and nearly always about the same door.
      if (doors.size >= MOST_DOORS || (scheme === last.scheme && host === last.host)) return;
      last = { scheme, host };
      const name = `${scheme}://${host}`;
      if (doors.has(name)) return;
      doors.set(name, { scheme, host });
      if (cancel === null) return;
      cancel();
      look();
    },
    knows: (scheme, host) => doors.has(`${scheme}://${host}`),
    start() {
      if (cancel === null && pages.length > 0) look();
    },
    close() {
      cancel?.();
      cancel = null;
    },
  };
}
