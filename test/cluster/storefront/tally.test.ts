import { describe, expect, test } from "vitest";
import { shareOf, tallyOf, type Fetched } from "./tally.ts";

const fetched = (at: number, wrong: string | null = null): Fetched => ({ at, path: "/", tookMs: 10, wrong, by: wrong === null ? "HIT" : "silent" });

describe("tallyOf", () => {
  test("counts who asked from the fault on and before its end, in whatever order they were answered", () => {
    const all = [fetched(900, "refused"), fetched(1_900), fetched(1_000), fetched(3_500, "silent"), fetched(1_250, "refused"), fetched(4_000, "silent")];
    expect(tallyOf(all, 1_000, 4_000)).toEqual({
      fetches: 4,
      notServed: 2,
      span: { first: 0.25, last: 2.5 },
      how: { refused: 1, silent: 1 },
      bySecond: [[0, 1], [2, 1]],
      by: { HIT: 2 },
    });
  });

  test("where all were served there is no span", () => {
    expect(tallyOf([fetched(1), fetched(2)], 0, 10)).toMatchObject({ fetches: 2, notServed: 0, span: null, how: {} });
  });

  test("nobody is no share at all", () => {
    expect(shareOf(tallyOf([], 0, 10))).toBeNaN();
    expect(shareOf(tallyOf([fetched(1, "refused"), fetched(2), fetched(3), fetched(4)], 0, 10))).toBe(0.25);
  });
});
