/**
 * Where each number of a gateway worker stands in shared memory.
 *
 * One worker writes it, the main thread reads it, and every cell is one float64:
 * whole numbers up to 2^53, instants, sums of seconds. With one writer a cell no atomics are
 * needed; a reader may see one request half counted, never a wrong total. All indices
 * come from closed sets, so labels cannot explode.
 */
import type { Ms } from "../core/time.ts";

/** Kinds of method that are counted apart. */
export const METHOD_CLASSES = ["GET", "HEAD", "POST", "other"] as const;
export type MethodClass = (typeof METHOD_CLASSES)[number];

/** Status codes that are counted apart; any other counts for its hundred ("4xx"), and nonsense for "other". */
export const STATUS_LABELS = [
  "200", "204", "206", "301", "302", "303", "304", "307", "308", "400", "401", "403", "404", "405", "409", "410", "413",
  "421", "422", "429", "430", "500", "502", "503", "504", "1xx", "2xx", "3xx", "4xx", "5xx", "other",
] as const;
export type StatusLabel = (typeof STATUS_LABELS)[number];

/** What the copies did for a request. The first seven are values of X-Cache-Status; `refused` got a 503 of ours, `error` broke. */
export const CACHE_RESULTS = ["HIT", "MISS", "STALE", "UPDATING", "BYPASS", "EXPIRED", "REVALIDATED", "refused", "error"] as const;
export type CacheResult = (typeof CACHE_RESULTS)[number];

/** Events counted without a route. */
export const GATEWAY_EVENTS = [
  /** Fills begun, kept, turned down (not storable) and failed. */
  "fill_started",
  "fill_stored",
  "fill_rejected",
  "fill_failed",
  /** Orders for a fill that waits or runs already. */
  "coalesced",
  /** Requests passed through because of `bypass`. */
  "bypassed",
  /** Requests that got a 503 because their class was in flight at two deaths. */
  "quarantine_refused",
  /** Copies served because the class was, because a breaker denied, or because the application failed under the request. */
  "served_quarantined",
  "served_breaker_open",
  "served_storefront_open",
  "served_on_failure",
  /** Offers of a WebSocket. */
  "upgrade",
  /** Buyers who left before their answer ended. */
  "client_gone",
] as const;
export type GatewayEvent = (typeof GATEWAY_EVENTS)[number];

/** Upper bounds of the duration histogram in seconds; beyond the last is +Inf. */
export const DURATION_BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** Upper bounds of the histogram of ages of stale copies served, in seconds; beyond the last is +Inf. */
export const STALE_BUCKETS_SECONDS = [60, 300, 900, 3_600, 21_600, 86_400] as const;

/** Cells with one number each. Instants are 0 before the first. */
export const SINGLE_CELLS = [
  /** Heartbeat: the loop's last turn, and what it completed since it started. */
  "lastTick",
  "completed",
  /** Passive evidence. */
  "lastGoodAt",
  "lastFailedAt",
  "inFlight",
  "oldestInFlightSince",
  /** Buyers' requests being answered now, whoever answers them, and since when the oldest. */
  "serving",
  "oldestServingSince",
  "bytesSent",
  "staleSeconds",
] as const;
export type SingleCell = (typeof SINGLE_CELLS)[number];

/** Seconds of the window of successes and failures. */
export const WINDOW_SECONDS = 10;
export const BUCKET_MS: Ms = 1_000;

/** Cells of one second of the window: which second it is, successes, failures. */
export const WINDOW_CELLS = 3;

/** Most routes one layout has room for. */
export const MAX_ROUTES = 256;

/** Start of each block, in cells, for a number of routes. */
export type TelemetryLayout = {
  readonly routes: number;
  readonly singles: number;
  readonly window: number;
  readonly events: number;
  readonly staleBuckets: number;
  readonly requests: number;
  readonly durations: number;
  readonly durationSums: number;
  readonly cache: number;
  readonly cells: number;
};

/** @throws {RangeError} when `routes` is not between 1 and 256. */
export function telemetryLayout(routes: number): TelemetryLayout {
  if (!Number.isInteger(routes) || routes < 1 || routes > MAX_ROUTES) {
    throw new RangeError(`routes must be between 1 and ${MAX_ROUTES}, not ${routes}`);
  }
  const singles = 0;
  const window = singles + SINGLE_CELLS.length;
  const events = window + WINDOW_SECONDS * WINDOW_CELLS;
  const staleBuckets = events + GATEWAY_EVENTS.length;
  const requests = staleBuckets + STALE_BUCKETS_SECONDS.length + 1;
  const durations = requests + routes * METHOD_CLASSES.length * STATUS_LABELS.length;
  const durationSums = durations + routes * (DURATION_BUCKETS_SECONDS.length + 1);
  const cache = durationSums + routes;
  const cells = cache + routes * CACHE_RESULTS.length;
  return { routes, singles, window, events, staleBuckets, requests, durations, durationSums, cache, cells };
}

/** Fresh shared memory, all zero, for one life of one worker. */
export function createTelemetryMemory(routes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(telemetryLayout(routes).cells * Float64Array.BYTES_PER_ELEMENT);
}

/** Offset of a single cell. */
export function singleCell(name: SingleCell): number {
  return SINGLE_CELLS.indexOf(name);
}
