import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { copiesFor, isTroubled, troubleSince, verdictOf } from "../../../src/core/region/outside.ts";
import { DEFAULT_REGION_RULES } from "../../../src/core/region/region.ts";
import { looked, NOW } from "../../support/region-scene.ts";

const says = (run: string, later = 0): string => verdictOf(looked(run), NOW + later, DEFAULT_REGION_RULES);

describe("what one observer says of a region, falling after 3 and rising after 2", () => {
  test.each([
    ["", "unknown", "nothing was seen yet"],
    [".", "up", "the first answer speaks for it"],
    ["xx", "unknown", "two failures are no verdict"],
    ["xxx", "down", "three are"],
    [".xx", "up", "a short run is noise"],
    [".xx.xx", "up", "an answer breaks it"],
    [".xx?x", "down", "what could not be looked at does not"],
    [".xxx?", "unknown", "who cannot look says so, whatever was seen before"],
    [".???????", "unknown", "and never that it is down"],
    [".xxx.", "unknown", "one answer is no recovery, but nobody is led away at that moment"],
    [".xxx.x", "down", "unless it fails again"],
    [".xxx..", "up", "two answers are"],
    [`.${"c".repeat(31)}`, "copies-only", "copies alone for a minute"],
    [`.${"c".repeat(30)}`, "up", "not a look earlier"],
    [`.${"c".repeat(30)}f`, "up", "a fresh copy is served by a gateway that would ask the application"],
    [`.${"c".repeat(20)}f${"c".repeat(20)}`, "up", "and the minute begins anew"],
    [`.${"c".repeat(30)}.c`, "up", "one rendered page, and it sells"],
    [`.${"c".repeat(31)}xxx`, "down", "no copies either"],
    [`.${"c".repeat(20)}x${"c".repeat(10)}`, "copies-only", "one failure among copies is no page rendered"],
  ])("%s: %s, %s", (run, verdict) => expect(says(run)).toBe(verdict));

  test("evidence that has grown old is none", () => {
    expect([says(".xxx", 7_000), says(".xxx", 7_001)]).toEqual(["down", "unknown"]);
  });

  test("a verdict is dated back to the first look of its run", () => {
    expect(looked("..xxx").since).toBe(NOW - 4_000);
    expect([troubleSince(looked("..x")), troubleSince(looked("..xxx")), troubleSince(looked(".ccc"))]).toEqual([NOW, NOW - 4_000, NOW - 4_000]);
    expect([isTroubled(looked("..x")), isTroubled(looked(".ccc")), isTroubled(looked("xxx.."))]).toEqual([true, true, false]);
  });

  test("copies are counted from the first one, and not while nothing answers", () => {
    expect([copiesFor(looked(".ccc"), NOW), copiesFor(looked("...."), NOW), copiesFor(looked(".cxxx"), NOW)]).toEqual([4_000, 0, 0]);
  });

  test("whoever cannot look at the end says unknown, whatever came before", () => {
    fc.assert(fc.property(fc.stringMatching(/^[.fcx?]{0,40}$/), (run) => says(`${run}?`) === "unknown"));
  });

  test("nothing is down without three failures in a row, unknowns left out", () => {
    fc.assert(fc.property(fc.stringMatching(/^[.fcx?]{0,40}$/), (run) => says(run) !== "down" || run.replaceAll("?", "").includes("xxx")));
  });
});
