/**
 * The worker's pen in shared memory: counters, passive evidence, requests in flight.
 *
 * Called on every request, so it allocates nothing but a token and takes indices
 * bound once (`route`). It survives the worker: the memory is the main thread's.
 */
import type { Instant, Ms } from "../core/time.ts";
import { createInFlight, type InFlightToken } from "./in-flight.ts";
import {
  BUCKET_MS,
  CACHE_RESULTS,
  DURATION_BUCKETS_SECONDS,
  GATEWAY_EVENTS,
  METHOD_CLASSES,
  STALE_BUCKETS_SECONDS,
  STATUS_LABELS,
  singleCell,
  telemetryLayout,
  WINDOW_CELLS,
  WINDOW_SECONDS,
  type CacheResult,
  type GatewayEvent,
  type TelemetryLayout,
} from "./telemetry-layout.ts";

export type { CacheResult, GatewayEvent } from "./telemetry-layout.ts";
export type { InFlightToken } from "./in-flight.ts";

/** Position of a route in the list both threads were given. */
export type RouteIndex = number;

export interface Telemetry {
  /** Index of a route's name; the last route's for a name nobody knows. Look it up once, not per request. */
  route(name: string): RouteIndex;

  /** A buyer's request begins, whoever answers it. */
  arrived(at: Instant): InFlightToken;
  /**
   * A buyer's request is over: answered to the last byte, refused, or given up.
   *
   * @param status what the buyer got; 0 when the buyer left before any
   * @param bytes of body sent
   */
  answered(token: InFlightToken, route: RouteIndex, method: string, status: number, at: Instant, bytes: number): void;
  /** What the copies did for a request. */
  cache(route: RouteIndex, result: CacheResult): void;
  /** A copy was served past its freshness, this old. */
  stale(age: Ms): void;
  count(event: GatewayEvent, by?: number): void;

  /** A request is sent to the application; buyers' and fills alike. `requestClass` as the quarantine names it. */
  sent(requestClass: string, at: Instant): InFlightToken;
  /**
   * The application is done with it, or cut it off.
   *
   * @param cut the connection broke or no answer came: a suspect, should the application turn out to have died
   */
  returned(token: InFlightToken, cut: boolean, at: Instant): void;
  /** Classes in flight now, or cut off since `since`; at most 64. For the quarantine, at a death. */
  suspects(since: Instant): readonly string[];

  /** Passive evidence: a call that succeeded. `page`: a whole rendered page with a 2xx, the only good answer that counts as one. */
  succeeded(at: Instant, page: boolean): void;
  failed(at: Instant): void;

  /** One turn of the worker's loop; by a timer every 500 ms. */
  tick(at: Instant): void;
}

const LAST_TICK = singleCell("lastTick");
const COMPLETED = singleCell("completed");
const LAST_GOOD = singleCell("lastGoodAt");
const LAST_FAILED = singleCell("lastFailedAt");
const IN_FLIGHT = singleCell("inFlight");
const OLDEST_IN_FLIGHT = singleCell("oldestInFlightSince");
const SERVING = singleCell("serving");
const OLDEST_SERVING = singleCell("oldestServingSince");
const BYTES_SENT = singleCell("bytesSent");
const STALE_SECONDS = singleCell("staleSeconds");

const STATUS_INDEX = statusIndex();
const CACHE_INDEX = indexOf(CACHE_RESULTS);
const EVENT_INDEX = indexOf(GATEWAY_EVENTS);
const METHOD_INDEX: ReadonlyMap<string, number> = indexOf(METHOD_CLASSES);
const OTHER_METHOD = METHOD_CLASSES.indexOf("other");

/**
 * Opens the pen over memory made by `createTelemetryMemory` for as many routes.
 *
 * @throws {RangeError} when the memory has another size than the routes ask for.
 */
export function openTelemetry(memory: SharedArrayBuffer, routes: readonly string[]): Telemetry {
  const layout = telemetryLayout(routes.length);
  const cells = cellsOver(memory, layout);
  const indices = indexOf(routes);
  return {
    route: (name) => indices.get(name) ?? routes.length - 1,
    ...buyersPart(cells, layout),
    ...applicationsPart(cells, layout),
    tick(at) {
      cells[LAST_TICK] = at;
    },
  };
}

/** What buyers asked and got. */
function buyersPart(cells: Float64Array, layout: TelemetryLayout): Pick<Telemetry, "arrived" | "answered" | "cache" | "stale" | "count"> {
  const serving = createInFlight();
  const show = (): void => {
    cells[SERVING] = serving.size();
    cells[OLDEST_SERVING] = serving.oldestSince() ?? 0;
  };
  return {
    arrived(at) {
      const token = serving.enter("", at);
      show();
      return token;
    },
    answered(token, route, method, status, at, bytes) {
      serving.leave(token, false, at);
      show();
      add(cells, COMPLETED, 1);
      add(cells, BYTES_SENT, bytes);
      add(cells, requestCell(layout, route, method, status), 1);
      const seconds = Math.max(0, at - token.since) / 1_000;
      add(cells, layout.durations + route * (DURATION_BUCKETS_SECONDS.length + 1) + bucketOf(DURATION_BUCKETS_SECONDS, seconds), 1);
      add(cells, layout.durationSums + route, seconds);
    },
    cache: (route, result) => add(cells, layout.cache + route * CACHE_RESULTS.length + (CACHE_INDEX.get(result) ?? 0), 1),
    stale(age) {
      const seconds = Math.max(0, age) / 1_000;
      add(cells, STALE_SECONDS, seconds);
      add(cells, layout.staleBuckets + bucketOf(STALE_BUCKETS_SECONDS, seconds), 1);
    },
    count: (event, by = 1) => add(cells, layout.events + (EVENT_INDEX.get(event) ?? 0), by),
  };
}

/** What the application was sent and what came of it. */
function applicationsPart(cells: Float64Array, layout: TelemetryLayout): Pick<Telemetry, "sent" | "returned" | "suspects" | "succeeded" | "failed"> {
  const upstream = createInFlight();
  const show = (): void => {
    cells[IN_FLIGHT] = upstream.size();
    cells[OLDEST_IN_FLIGHT] = upstream.oldestSince() ?? 0;
  };
  return {
    sent(requestClass, at) {
      const token = upstream.enter(requestClass, at);
      show();
      return token;
    },
    returned(token, cut, at) {
      upstream.leave(token, cut, at);
      show();
    },
    suspects: (since) => upstream.suspects(since),
    succeeded(at, page) {
      if (page) cells[LAST_GOOD] = at;
      add(cells, windowCell(cells, layout, at) + 1, 1);
    },
    failed(at) {
      cells[LAST_FAILED] = at;
      add(cells, windowCell(cells, layout, at) + 2, 1);
    },
  };
}

function add(cells: Float64Array, cell: number, by: number): void {
  cells[cell] = (cells[cell] ?? 0) + by;
}

function cellsOver(memory: SharedArrayBuffer, layout: TelemetryLayout): Float64Array {
  const cells = new Float64Array(memory);
  if (cells.length !== layout.cells) throw new RangeError(`telemetry memory has ${cells.length} cells, ${layout.cells} are needed`);
  return cells;
}

/** First cell of the second that `at` falls in; a second ten or more ago is overwritten. */
function windowCell(cells: Float64Array, layout: TelemetryLayout, at: Instant): number {
  const second = Math.floor(at / BUCKET_MS);
  const cell = layout.window + (second % WINDOW_SECONDS) * WINDOW_CELLS;
  if (cells[cell] !== second) {
    cells[cell] = second;
    cells[cell + 1] = 0;
    cells[cell + 2] = 0;
  }
  return cell;
}

function requestCell(layout: TelemetryLayout, route: RouteIndex, method: string, status: number): number {
  const methodAt = METHOD_INDEX.get(method) ?? OTHER_METHOD;
  const statusAt = STATUS_INDEX[status] ?? STATUS_LABELS.indexOf("other");
  return layout.requests + (route * METHOD_CLASSES.length + methodAt) * STATUS_LABELS.length + statusAt;
}

function bucketOf(bounds: readonly number[], value: number): number {
  let bucket = 0;
  while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket += 1;
  return bucket;
}

/** Label index by status code, for 0 to 599. */
function statusIndex(): Uint8Array {
  const index = new Uint8Array(600).fill(STATUS_LABELS.indexOf("other"));
  for (let status = 100; status < 600; status += 1) {
    const exact = STATUS_LABELS.findIndex((label) => label === String(status));
    index[status] = exact === -1 ? STATUS_LABELS.findIndex((label) => label === `${Math.floor(status / 100)}xx`) : exact;
  }
  return index;
}

function indexOf<T extends string>(names: readonly T[]): ReadonlyMap<T, number> {
  return new Map(names.map((name, at) => [name, at]));
}
