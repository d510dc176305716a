import { describe, expect, test } from "vitest";
import { cronMatches, parseCron } from "../../src/core/cron.ts";

const MONDAY_NOON_UTC = Date.UTC(2026, 0, 5, 12, 0, 30);

describe("five fields", () => {
  test.each(["* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "*/0 * * * *", "5-1 * * * *", "a * * * *", "1,,2 * * * *"])("%s is none", (text) => {
    expect(parseCron(text)).toBeUndefined();
  });

  test.each([
    ["0 12 * * *", "UTC", true],
    ["1 12 * * *", "UTC", false],
    ["0 13 * * 1", "Europe/Berlin", true],
    ["0 12 * * 0", "UTC", false],
    ["*/15 8-18 * * 1-5", "UTC", true],
    ["0 12 31 * 1", "UTC", true],
    ["0 12 31 * *", "UTC", false],
    ["0 12 * * 7", "UTC", false],
  ])("%s in %s matches Monday noon UTC: %s", (text, zone, matches) => {
    const cron = parseCron(text);
    expect(cron !== undefined && cronMatches(cron, MONDAY_NOON_UTC, zone)).toBe(matches);
  });
});
