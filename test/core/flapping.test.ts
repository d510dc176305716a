import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FlapState } from "../../src/core/flapping.ts";
import { FLAP_ENTER_PERCENT, FLAP_LEAVE_PERCENT, FLAP_SAMPLES, flapPercent, observeFlap, STEADY } from "../../src/core/flapping.ts";
import { instantOf, look, looksOf, signsOf } from "../support/notation.ts";

function flap(run: string, excused = false): FlapState {
  return looksOf(run).reduce((state, seen) => observeFlap(state, seen, excused), STEADY);
}

describe("flapping over 21 samples", () => {
  test.each([
    [".".repeat(30), false, "steady"],
    [`${".".repeat(20)}xxx..`, false, "one outage"],
    [".x".repeat(11), true, "every look differs"],
    ["...x...x...x...x...x.", true, "one look in four, both ways"],
    [".".repeat(21) + "x.x.", false, "four changes are not enough"],
    [".".repeat(21) + "x.x.x.", true, "six are"],
    ["!..!..!..!..!..!..!..", false, "a crash loop is not flapping"],
    [".?x?.?x?.?x?.?x?", true, "unknown looks are not samples, and do not hide it"],
  ])("%s: flapping %s, %s", (run, expected) => {
    expect(flap(run).flapping).toBe(expected);
  });

  test("a full window of changes is 100 %, and newer changes weigh more than older ones", () => {
    expect(flapPercent(flap(".x".repeat(11)))).toBeCloseTo(100, 6);
    const newest = flapPercent(flap(`${".".repeat(20)}x`));
    const oldest = flapPercent(flap(`.${"x".repeat(FLAP_SAMPLES - 1)}`));
    expect(newest).toBeCloseTo(6.25, 6);
    expect(oldest).toBeCloseTo(3.75, 6);
  });

  test("changes that our own actions caused do not count", () => {
    expect(flap(".x".repeat(20), true).flapping).toBe(false);
  });

  test("it ends below 20 %, not below 30 %, so that it does not flap itself", () => {
    let state = flap(".x".repeat(11));
    const seen: number[] = [];
    for (let index = 22; state.flapping; index += 1) {
      seen.push(flapPercent(state));
      state = observeFlap(state, look("x", instantOf(index)), false);
    }
    expect(seen.at(-1)).toBeGreaterThanOrEqual(FLAP_LEAVE_PERCENT);
    expect(seen.some((percent) => percent < FLAP_ENTER_PERCENT)).toBe(true);
    expect(flapPercent(state)).toBeLessThan(FLAP_LEAVE_PERCENT);
    expect(state.since).toBe(instantOf(21 + seen.length));
  });

  test("the percentage stays within 0 and 100, and 21 equal looks always bring it to 0", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(".", "w", "x", "?", "!"), { maxLength: 80 }), (signs) => {
        const state = flap(signsOf(signs.join("")).join(""));
        expect(flapPercent(state)).toBeGreaterThanOrEqual(0);
        expect(flapPercent(state)).toBeLessThanOrEqual(100 + 1e-9);
        const calm = looksOf(".".repeat(FLAP_SAMPLES)).reduce((next, seen) => observeFlap(next, seen, false), state);
        expect(flapPercent(calm)).toBe(0);
      }),
    );
  });
});
