/**
 * Keeps the listed pages stored: once the application has answered, and again before each goes stale.
 */
import { cacheKey } from "../core/cache-key.ts";
import type { RouteSpec } from "../core/preset.ts";
import { FIRST_FILL_WITHIN, type FirstFill } from "../core/readiness.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { CopyStore } from "../ports/copy-store.ts";
import { goesStaleSoon, type Filler } from "./fill.ts";

/** A name under which buyers reach the shop. */
export type FrontDoor = { readonly scheme: "http" | "https"; readonly host: string };

export type WarmParts = {
  readonly paths: readonly string[];
  readonly clock: Clock;
  readonly copies: Pick<CopyStore, "get" | "has">;
  readonly filler: Filler;
  /** Of a path; null where it is not a page's. */
  readonly routeOf: (path: string) => RouteSpec | null;
  /** Called once: the listed pages are stored, with what they need, or cannot be, or have had their time. */
  readonly filled: (fill: FirstFill) => void;
};

export interface Warmer {
  /** Warms for this door too, from now on: the shop has answered to it. Only the first few are taken. */
  learn(scheme: FrontDoor["scheme"], host: string): void;
  /** One of the doors learnt. */
  knows(scheme: FrontDoor["scheme"], host: string): boolean;
  /** The application has answered: to ask before would only tell the breaker of failures that are none. */
  start(): void;
  close(): void;
}

/** How often the list is looked at. */
const LOOK_EVERY: Ms = 5_000;
/** Until it was filled once, somebody waits for it: how often it is looked at, and whether that is done. */
const FIRST_LOOK_EVERY: Ms = 1_000;
const FILLED_EVERY: Ms = 100;
/** Names under which one shop is kept warm. */
const MOST_DOORS = 8;

type Page = { readonly key: string; readonly door: FrontDoor; readonly path: string; readonly route: RouteSpec };

export function createWarmer({ paths, clock, copies, filler, routeOf, filled }: WarmParts): Warmer {
  const doors = new Map<string, FrontDoor>();
  const listed = paths.flatMap((path) => {
    const route = routeOf(path);
    return route === null ? [] : [{ path, route }];
  });
  /** Every listed page at every door. */
  let pages: readonly Page[] = [];
  const cancels = { look: (): void => {}, filled: (): void => {} };
  let startedAt: Instant | null = null;
  let isFilled = false;
  let closed = false;
  let last: FrontDoor = { scheme: "http", host: "" };

  const look = (): void => {
    cancels.look();
    const now = clock.now();
    for (const { key, door, path, route } of pages) {
      if (goesStaleSoon(copies.get(key), now)) filler.want({ ...door, key, route, path, query: "", agent: "browser" });
    }
    cancels.look = clock.after(isFilled ? LOOK_EVERY : FIRST_LOOK_EVERY, look);
  };

  const lookWhetherFilled = (): void => {
    const stored = pages.filter(({ key }) => copies.has(key)).length;
    const settled = filler.busy() === 0 && pages.every(({ key }) => copies.has(key) || filler.turnedDown(key));
    isFilled = settled || clock.now() - (startedAt ?? 0) >= FIRST_FILL_WITHIN;
    if (isFilled) filled({ stored, listed: pages.length });
    else cancels.filled = clock.after(FILLED_EVERY, lookWhetherFilled);
  };

  return {
    learn(scheme, host) {
      // Told with every page, and nearly always about the same door.
      if (doors.size >= MOST_DOORS || (scheme === last.scheme && host === last.host)) return;
      last = { scheme, host };
      const name = `${scheme}://${host}`;
      if (doors.has(name)) return;
      const door = { scheme, host };
      doors.set(name, door);
      pages = [...pages, ...listed.map((page) => ({ ...page, door, key: cacheKey({ ...door, agent: "browser", market: "", encoding: "identity", path: page.path, query: "" }) }))];
      if (startedAt !== null && !closed && listed.length > 0) look();
    },
    knows: (scheme, host) => doors.has(`${scheme}://${host}`),
    start() {
      if (startedAt !== null || closed) return;
      startedAt = clock.now();
      if (listed.length > 0) look();
      lookWhetherFilled();
    },
    close() {
      closed = true;
      cancels.look();
      cancels.filled();
    },
  };
}
