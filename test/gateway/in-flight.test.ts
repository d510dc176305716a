import { describe, expect, test } from "vitest";
import { createInFlight, MAX_SUSPECTS } from "../../src/gateway/in-flight.ts";

describe("requests in flight", () => {
  test("knows how many there are and since when the oldest", () => {
    const inFlight = createInFlight();
    const first = inFlight.enter("a", 100);
    const second = inFlight.enter("b", 200);
    expect([inFlight.size(), inFlight.oldestSince()]).toEqual([2, 100]);
    inFlight.leave(first, false, 300);
    expect([inFlight.size(), inFlight.oldestSince()]).toEqual([1, 200]);
    inFlight.leave(second, false, 300);
    inFlight.leave(second, false, 300);
    expect([inFlight.size(), inFlight.oldestSince()]).toEqual([0, null]);
  });

  test("keeps the order of coming whoever leaves first", () => {
    const inFlight = createInFlight();
    const [first, second, third] = [inFlight.enter("a", 100), inFlight.enter("b", 200), inFlight.enter("c", 300)];
    inFlight.leave(second, false, 400);
    inFlight.enter("d", 400);
    expect([inFlight.suspects(0), inFlight.oldestSince()]).toEqual([["a", "c", "d"], 100]);
    inFlight.leave(first, false, 500);
    inFlight.leave(third, false, 500);
    expect([inFlight.suspects(0), inFlight.oldestSince(), inFlight.size()]).toEqual([["d"], 400, 1]);
  });

  test("suspects are in flight, or were cut off since; who got an answer is none", () => {
    const inFlight = createInFlight();
    inFlight.enter("running", 0);
    inFlight.enter("running", 1);
    inFlight.leave(inFlight.enter("answered", 0), false, 900);
    inFlight.leave(inFlight.enter("cut long ago", 0), true, 400);
    inFlight.leave(inFlight.enter("cut", 0), true, 900);
    expect(inFlight.suspects(500)).toEqual(["running", "cut"]);
  });

  test("names a bounded number of suspects, the oldest in flight first", () => {
    const inFlight = createInFlight();
    for (let at = 0; at < 1_000; at += 1) inFlight.enter(`running ${at}`, at);
    for (let at = 0; at < 1_000; at += 1) inFlight.leave(inFlight.enter(`cut ${at}`, at), true, 2_000);
    const suspects = inFlight.suspects(0);
    expect([suspects.length, suspects[0]]).toEqual([MAX_SUSPECTS, "running 0"]);
  });

  test("of those cut off the latest are remembered", () => {
    const inFlight = createInFlight();
    for (let at = 0; at < 1_000; at += 1) inFlight.leave(inFlight.enter(`cut ${at}`, at), true, at);
    expect(inFlight.suspects(0)).toContain("cut 999");
    expect(inFlight.suspects(0)).not.toContain("cut 0");
  });
});
