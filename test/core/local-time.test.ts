import { describe, expect, test } from "vitest";
import { windowRemaining } from "../../src/core/local-time.ts";
import type { Window } from "../../src/core/policy.ts";

const at = (text: string): number => Date.parse(`2026-01-${text}Z`);
const nightly: Window = { name: "nightly", days: [], fromMinute: 23 * 60, toMinute: 60, timeZone: "UTC" };
const MINUTE = 60_000;

// 2026-01-05 is a Monday.
describe("windowRemaining", () => {
  test.each([
    ["before it opens", nightly, "05T22:59:59", null],
    ["as it opens, over midnight", nightly, "05T23:00:00", 120 * MINUTE],
    ["after midnight", nightly, "06T00:59:30", 30_000],
    ["as it closes", nightly, "06T01:00:00", null],
    ["on its own day only", { ...nightly, days: [1] }, "06T23:30:00", null],
    ["after midnight of its own day", { ...nightly, days: [1] }, "06T00:30:00", 30 * MINUTE],
    ["in its own zone", { ...nightly, fromMinute: 60, toMinute: 120, timeZone: "Europe/Berlin" }, "05T00:15:00", 45 * MINUTE],
  ])("%s", (_when, window, wall, remaining) => {
    expect(windowRemaining(window, at(wall))).toBe(remaining);
  });
});
