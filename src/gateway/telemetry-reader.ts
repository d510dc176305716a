/**
 * The main thread's eyes on shared memory: passive evidence, counters, heartbeats.
 *
 * Each life of a worker has memory of its own. Counters of lives that ended are folded
 * into a base, so that totals never fall.
 */
import type { Evidence } from "../core/evidence.ts";
import type { Instant } from "../core/time.ts";
import {
  BUCKET_MS,
  CACHE_RESULTS,
  DURATION_BUCKETS_SECONDS,
  GATEWAY_EVENTS,
  METHOD_CLASSES,
  singleCell,
  STALE_BUCKETS_SECONDS,
  STATUS_LABELS,
  telemetryLayout,
  WINDOW_CELLS,
  WINDOW_SECONDS,
  type CacheResult,
  type GatewayEvent,
  type MethodClass,
  type SingleCell,
  type StatusLabel,
  type TelemetryLayout,
} from "./telemetry-layout.ts";

/** A histogram as Prometheus has it, but with counts of each bucket alone; one more than there are bounds. */
export type Histogram = { readonly counts: readonly number[]; readonly sumSeconds: number };

/** Everything a gateway counted since it started, its dead workers included. Rows that are zero are left out. */
export type GatewayCounters = {
  readonly requests: readonly { readonly route: string; readonly method: MethodClass; readonly status: StatusLabel; readonly count: number }[];
  /** Bounds: DURATION_BUCKETS_SECONDS. */
  readonly durations: readonly (Histogram & { readonly route: string })[];
  readonly cache: readonly { readonly route: string; readonly result: CacheResult; readonly count: number }[];
  readonly events: Readonly<Record<GatewayEvent, number>>;
  /** Ages of stale copies served; bounds: STALE_BUCKETS_SECONDS. */
  readonly staleAge: Histogram;
  readonly bytesSent: number;
  /** Buyers' requests being answered now. */
  readonly serving: number;
};

export type Heartbeat = { readonly lastTick: Instant; readonly completed: number };

const LATEST: readonly SingleCell[] = ["lastGoodAt", "lastFailedAt"];
const GAUGES: readonly SingleCell[] = ["lastTick", "inFlight", "serving"];
const OLDEST: readonly SingleCell[] = ["oldestInFlightSince", "oldestServingSince"];

/** Sums of several workers' memory. */
export class TelemetrySum {
  readonly #routes: readonly string[];
  readonly #layout: TelemetryLayout;
  readonly #cells: Float64Array;

  constructor(routes: readonly string[]) {
    this.#routes = routes;
    this.#layout = telemetryLayout(routes.length);
    this.#cells = new Float64Array(this.#layout.cells);
  }

  /**
   * Adds a worker's memory. Of one that is no longer `alive` only what happened counts, not
   * what it was busy with.
   */
  add(memory: SharedArrayBuffer | TelemetrySum, alive: boolean): this {
    const other = memory instanceof TelemetrySum ? memory.#cells : new Float64Array(memory);
    const layout = this.#layout;
    const gauges = new Set([...GAUGES, ...OLDEST].map(singleCell));
    const latest = new Set(LATEST.map(singleCell));
    const oldest = new Set(OLDEST.map(singleCell));
    const here = this.#cells;
    for (let cell = 0; cell < layout.cells; cell += 1) {
      if (cell >= layout.window && cell < layout.events) continue;
      if (!alive && gauges.has(cell)) continue;
      const mine = here[cell] ?? 0;
      const theirs = other[cell] ?? 0;
      if (latest.has(cell)) here[cell] = Math.max(mine, theirs);
      else if (oldest.has(cell)) here[cell] = mine === 0 ? theirs : theirs === 0 ? mine : Math.min(mine, theirs);
      else here[cell] = mine + theirs;
    }
    this.#addWindow(other);
    return this;
  }

  #addWindow(other: Float64Array): void {
    const here = this.#cells;
    for (let second = 0; second < WINDOW_SECONDS; second += 1) {
      const cell = this.#layout.window + second * WINDOW_CELLS;
      const mine = here[cell] ?? 0;
      const theirs = other[cell] ?? 0;
      if (theirs < mine) continue;
      for (const count of [cell + 1, cell + 2]) here[count] = (theirs > mine ? 0 : (here[count] ?? 0)) + (other[count] ?? 0);
      here[cell] = theirs;
    }
  }

  /** @param copies as the main thread's own store counts them */
  evidence(now: Instant, copies: number): Evidence {
    const first = Math.floor(now / BUCKET_MS) - WINDOW_SECONDS + 1;
    let succeeded = 0;
    let failed = 0;
    for (let second = 0; second < WINDOW_SECONDS; second += 1) {
      const cell = this.#layout.window + second * WINDOW_CELLS;
      if (this.#at(cell) < first) continue;
      succeeded += this.#at(cell + 1);
      failed += this.#at(cell + 2);
    }
    const oldest = this.#single("oldestInFlightSince");
    return {
      lastGoodAt: this.#single("lastGoodAt") || null,
      lastFailedAt: this.#single("lastFailedAt") || null,
      succeeded,
      failed,
      inFlight: this.#single("inFlight"),
      oldestInFlightMs: oldest === 0 ? 0 : Math.max(0, now - oldest),
      copies,
    };
  }

  counters(): GatewayCounters {
    const { requests, durations, durationSums, cache, events, staleBuckets } = this.#layout;
    const rows = this.#routes.flatMap((route, at) =>
      METHOD_CLASSES.flatMap((method, methodAt) =>
        STATUS_LABELS.map((status, statusAt) => ({
          route,
          method,
          status,
          count: this.#at(requests + (at * METHOD_CLASSES.length + methodAt) * STATUS_LABELS.length + statusAt),
        })),
      ),
    );
    const buckets = DURATION_BUCKETS_SECONDS.length + 1;
    return {
      requests: rows.filter(({ count }) => count > 0),
      durations: this.#routes
        .map((route, at) => ({ route, counts: this.#run(durations + at * buckets, buckets), sumSeconds: this.#at(durationSums + at) }))
        .filter(({ counts }) => counts.some((count) => count > 0)),
      cache: this.#routes
        .flatMap((route, at) => CACHE_RESULTS.map((result, resultAt) => ({ route, result, count: this.#at(cache + at * CACHE_RESULTS.length + resultAt) })))
        .filter(({ count }) => count > 0),
      events: Object.fromEntries(GATEWAY_EVENTS.map((event, at) => [event, this.#at(events + at)])) as Record<GatewayEvent, number>,
      staleAge: { counts: this.#run(staleBuckets, STALE_BUCKETS_SECONDS.length + 1), sumSeconds: this.#single("staleSeconds") },
      bytesSent: this.#single("bytesSent"),
      serving: this.#single("serving"),
    };
  }

  #at(cell: number): number {
    return this.#cells[cell] ?? 0;
  }

  #single(name: SingleCell): number {
    return this.#at(singleCell(name));
  }

  #run(from: number, length: number): readonly number[] {
    return [...this.#cells.subarray(from, from + length)];
  }
}

/** One worker's heartbeat. */
export function readHeartbeat(memory: SharedArrayBuffer): Heartbeat {
  const cells = new Float64Array(memory);
  return { lastTick: cells[singleCell("lastTick")] ?? 0, completed: cells[singleCell("completed")] ?? 0 };
}
