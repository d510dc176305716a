import { describe, expect, test } from "vitest";
import type { BreakerName, BreakerPosition } from "../../src/core/breaker.ts";
import { createBreakerBoard } from "../../src/gateway/breaker-board.ts";
import type { Clock } from "../../src/ports/clock.ts";

/** A board at a moment the test moves. */
function setUp() {
  const time = { now: 1_000 };
  const clock: Clock = { now: () => time.now, wall: () => time.now, after: () => () => {} };
  const board = createBreakerBoard(clock);
  const report = (life: number, position: BreakerPosition, at: number, breaker: BreakerName = "ingress:app"): void => board.report(life, { breaker, position, at, why: "as told" });
  return { time, board, report };
}

describe("breakers of several workers as one", () => {
  test("before anything is told all are closed since the start", () => {
    const { board } = setUp();
    expect(board.views()).toEqual([
      { name: "ingress:app", effective: "closed", own: "closed", since: 1_000, hold: null },
      { name: "egress:storefront", effective: "closed", own: "closed", since: 1_000, hold: null },
    ]);
  });

  test.each<[string, readonly BreakerPosition[], BreakerPosition]>([
    ["open where one is", ["closed", "open", "half_open"], "open"],
    ["half-open where one is and none is open", ["closed", "half_open"], "half_open"],
    ["closed where all are", ["closed", "closed"], "closed"],
  ])("%s", (_, positions, own) => {
    const { board, report } = setUp();
    positions.forEach((position, life) => report(life, position, 2_000 + life));
    expect(board.views()[0]).toMatchObject({ own, since: 2_000 + positions.lastIndexOf(own) });
  });

  test("a hold tells whether it changed what requests meet, and a renewal does not", () => {
    const { board } = setUp();
    const hold = { breaker: "ingress:app", position: "open", by: "pulse", why: "no pulse" } as const;
    expect(board.hold({ ...hold, until: 5_000 })).toBe(true);
    expect(board.hold({ ...hold, until: 6_000 })).toBe(false);
    expect(board.release("ingress:app", "pulse")).toBe(true);
    expect(board.release("ingress:app", "pulse")).toBe(false);
  });

  test("a worker that ended takes its position along", () => {
    const { board, report } = setUp();
    report(1, "open", 2_000);
    board.forget(1);
    expect(board.views()[0]).toMatchObject({ own: "closed", since: 1_000 });
  });

  test("a hold decides until it ends, and outlives the workers", () => {
    const { board, report, time } = setUp();
    const hold = { breaker: "egress:storefront", position: "open", until: 5_000, by: "policy:circuit_breaker", why: "API down" } as const;
    board.hold(hold);
    report(1, "closed", 2_000, "egress:storefront");
    board.forget(1);
    expect(board.holds()).toEqual([hold]);
    expect(board.views()[1]).toMatchObject({ effective: "open", own: "closed", hold });
    time.now = 5_000;
    expect(board.views()[1]).toMatchObject({ effective: "closed", hold: null });
    board.release("egress:storefront", "policy:circuit_breaker");
    expect(board.holds()).toEqual([]);
  });
});
