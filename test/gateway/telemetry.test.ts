import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTelemetryMemory, CACHE_RESULTS, GATEWAY_EVENTS, MAX_ROUTES, telemetryLayout } from "../../src/gateway/telemetry-layout.ts";
import { readHeartbeat, TelemetrySum } from "../../src/gateway/telemetry-reader.ts";
import { openTelemetry, type Telemetry } from "../../src/gateway/telemetry.ts";

const ROUTES = ["home", "product", "other"];
const NOW = 1_700_000_000_000;

/** A worker's memory with its pen. */
function worker(): { readonly memory: SharedArrayBuffer; readonly pen: Telemetry } {
  const memory = createTelemetryMemory(ROUTES.length);
  return { memory, pen: openTelemetry(memory, ROUTES) };
}

function sumOf(...memories: readonly SharedArrayBuffer[]): TelemetrySum {
  return memories.reduce((sum, memory) => sum.add(memory, true), new TelemetrySum(ROUTES));
}

function visit(pen: Telemetry, route: string, method: string, status: number, tookMs = 3): void {
  pen.answered(pen.arrived(NOW), pen.route(route), method, status, NOW + tookMs, 100);
}

describe("counters", () => {
  test("requests are told apart by route, method and status, from closed sets", () => {
    const { memory, pen } = worker();
    visit(pen, "home", "GET", 200);
    visit(pen, "home", "GET", 200);
    visit(pen, "product", "PURGE", 418);
    visit(pen, "nobody knows it", "POST", 0);
    visit(pen, "home", "HEAD", 99_999);
    expect(sumOf(memory).counters().requests).toEqual([
      { route: "home", method: "GET", status: "200", count: 2 },
      { route: "home", method: "HEAD", status: "other", count: 1 },
      { route: "product", method: "other", status: "4xx", count: 1 },
      { route: "other", method: "POST", status: "other", count: 1 },
    ]);
    expect(sumOf(memory).counters().bytesSent).toBe(500);
    expect(readHeartbeat(memory).completed).toBe(5);
  });

  test("durations fall into the bucket whose bound they do not exceed", () => {
    const { memory, pen } = worker();
    for (const ms of [5, 6, 10_000, 60_000]) visit(pen, "product", "GET", 200, ms);
    expect(sumOf(memory).counters().durations).toEqual([{ route: "product", counts: [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1], sumSeconds: 70.011 }]);
  });

  test("every cache result, event and stale age has a cell of its own", () => {
    const { memory, pen } = worker();
    CACHE_RESULTS.forEach((result, at) => {
      for (let times = 0; times <= at; times += 1) pen.cache(pen.route("product"), result);
    });
    GATEWAY_EVENTS.forEach((event, at) => pen.count(event, at + 1));
    pen.stale(61_000);
    const { cache, events, staleAge } = sumOf(memory).counters();
    expect(cache).toEqual(CACHE_RESULTS.map((result, at) => ({ route: "product", result, count: at + 1 })));
    expect(events).toEqual(Object.fromEntries(GATEWAY_EVENTS.map((event, at) => [event, at + 1])));
    expect(staleAge).toEqual({ counts: [0, 1, 0, 0, 0, 0, 0], sumSeconds: 61 });
  });

  test("the dead's counters stay in the sum, what they were busy with does not", () => {
    const [dead, live] = [worker(), worker()];
    visit(dead.pen, "home", "GET", 200);
    dead.pen.arrived(NOW);
    dead.pen.sent("GET home", NOW - 9_000);
    live.pen.sent("GET home", NOW - 1_000);
    const sum = new TelemetrySum(ROUTES).add(dead.memory, false).add(live.memory, true);
    expect([sum.counters().requests[0]?.count, sum.counters().serving]).toEqual([1, 0]);
    expect(sum.evidence(NOW, 0)).toMatchObject({ inFlight: 1, oldestInFlightMs: 1_000 });
  });

  test("memory of another size is refused", () => {
    expect(() => openTelemetry(createTelemetryMemory(2), ROUTES)).toThrow(RangeError);
    expect(() => telemetryLayout(0)).toThrow(RangeError);
    expect(() => telemetryLayout(MAX_ROUTES + 1)).toThrow(RangeError);
  });
});

describe("passive evidence", () => {
  test("before anything happened there is none", () => {
    expect(sumOf(worker().memory).evidence(NOW, 7)).toEqual({
      lastGoodAt: null,
      lastFailedAt: null,
      succeeded: 0,
      failed: 0,
      inFlight: 0,
      oldestInFlightMs: 0,
      copies: 7,
    });
  });

  test("only rendered pages are good answers, though every success counts", () => {
    const { memory, pen } = worker();
    pen.succeeded(NOW, false);
    expect(sumOf(memory).evidence(NOW, 0)).toMatchObject({ lastGoodAt: null, succeeded: 1 });
    pen.succeeded(NOW + 1, true);
    expect(sumOf(memory).evidence(NOW, 0)).toMatchObject({ lastGoodAt: NOW + 1, succeeded: 2 });
  });

  test("the latest of several workers decides, their windows are added", () => {
    const [one, two] = [worker(), worker()];
    one.pen.succeeded(NOW - 3_000, true);
    two.pen.succeeded(NOW - 1_000, true);
    one.pen.failed(NOW);
    two.pen.failed(NOW - 2_000);
    expect(sumOf(one.memory, two.memory).evidence(NOW, 0)).toMatchObject({ lastGoodAt: NOW - 1_000, lastFailedAt: NOW, succeeded: 2, failed: 2 });
  });

  test("the oldest request in flight of all workers counts, and leaves when answered", () => {
    const [one, two] = [worker(), worker()];
    const old = one.pen.sent("GET home", NOW - 4_000);
    two.pen.sent("GET product cart", NOW - 1_000);
    expect(sumOf(one.memory, two.memory).evidence(NOW, 0)).toMatchObject({ inFlight: 2, oldestInFlightMs: 4_000 });
    one.pen.returned(old, true, NOW);
    expect(sumOf(one.memory, two.memory).evidence(NOW, 0)).toMatchObject({ inFlight: 1, oldestInFlightMs: 1_000 });
    expect(one.pen.suspects(NOW - 1)).toEqual(["GET home"]);
  });

  test("property: the window counts exactly the calls of the last ten seconds", () => {
    const calls = fc.array(fc.record({ after: fc.integer({ min: 0, max: 4_000 }), ok: fc.boolean() }), { maxLength: 40 });
    fc.assert(
      fc.property(calls, calls, fc.integer({ min: 0, max: 15_000 }), (first, second, later) => {
        const workers = [first, second].map((sequence) => {
          const { memory, pen } = worker();
          let at = NOW;
          const ended = sequence.map(({ after, ok }) => {
            at += after;
            if (ok) pen.succeeded(at, false);
            else pen.failed(at);
            return { at, ok };
          });
          return { memory, ended, at };
        });
        const now = Math.max(...workers.map(({ at }) => at)) + later;
        const since = (Math.floor(now / 1_000) - 9) * 1_000;
        const recent = workers.flatMap(({ ended }) => ended).filter(({ at }) => at >= since);
        expect(sumOf(...workers.map(({ memory }) => memory)).evidence(now, 0)).toMatchObject({
          succeeded: recent.filter(({ ok }) => ok).length,
          failed: recent.filter(({ ok }) => !ok).length,
        });
      }),
    );
  });
});
