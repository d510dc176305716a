import { describe, expect, test } from "vitest";
import { createTelemetryMemory } from "../../src/gateway/telemetry-layout.ts";
import { openTelemetry } from "../../src/gateway/telemetry.ts";
import { LOOK_MS, watchHeartbeat } from "../../src/gateway/worker-thread.ts";

/** A worker's pen, a watch over it, and a clock moved by looking. */
function setUp() {
  const time = { now: 1_000_000 };
  const memory = createTelemetryMemory(1);
  const pen = openTelemetry(memory, ["page"]);
  const look = watchHeartbeat(memory, { now: () => time.now, wall: () => time.now, after: () => () => {} });
  /** Looks every half second for so long; before each, the worker does `work`. */
  const watch = (ms: number, work: () => void = () => {}): string => {
    let seen: string = "well";
    for (let passed = 0; passed < ms; passed += LOOK_MS) {
      time.now += LOOK_MS;
      work();
      seen = look();
    }
    return seen;
  };
  return { time, pen, look, watch };
}

describe("watching a worker's heartbeat", () => {
  test("a loop that stands still for five seconds is stuck", () => {
    const { watch } = setUp();
    expect([watch(4_500), watch(500)]).toEqual(["well", "stuck"]);
  });

  test("a loop that turns is well, though nothing is completed: its upstream hangs", () => {
    const { time, pen, watch } = setUp();
    pen.arrived(time.now);
    expect(watch(60_000, () => pen.tick(time.now))).toBe("well");
  });

  test("a worker too busy for its timer is well while it completes requests", () => {
    const { time, pen, watch } = setUp();
    expect(watch(60_000, () => pen.answered(pen.arrived(time.now), 0, "GET", 200, time.now, 1))).toBe("well");
  });

  test("one turn starts the five seconds anew", () => {
    const { time, pen, watch } = setUp();
    watch(4_500);
    pen.tick(time.now);
    expect([watch(5_000), watch(500)]).toEqual(["well", "stuck"]);
  });

  test("while we slept ourselves nothing was seen to stand still", () => {
    const { time, look, watch } = setUp();
    watch(4_500);
    time.now += 3_600_000;
    expect(look()).toBe("well");
    expect([watch(4_500), watch(500)]).toEqual(["well", "stuck"]);
  });
});
