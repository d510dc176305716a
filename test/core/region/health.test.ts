import { describe, expect, test } from "vitest";
import { regionHealths } from "../../../src/core/region/health.ts";
import { looked, NOW, PLAN } from "../../support/region-scene.ts";

describe("regions as triggers know them", () => {
  const [first = "", second = ""] = PLAN.regions.map(({ name }) => name);
  const healths = (run: string): ReturnType<typeof regionHealths> => regionHealths(PLAN, new Map([[first, looked(run)], [second, looked("..")]]), NOW);

  test.each([
    ["...", "healthy"],
    ["..xxx", "unhealthy"],
    [`.${"c".repeat(31)}`, "unhealthy"],
    ["", "unknown"],
    ["..xxx?", "unknown"],
  ])("%s is %s, by its name and by its place", (run, health) => {
    expect([healths(run).get(first)?.health, healths(run).get("primary")?.health]).toEqual([health, health]);
    expect([healths(run).get(second)?.health, healths(run).get("secondary")?.health]).toEqual(["healthy", "healthy"]);
  });

  test("one that nobody has looked at is not there", () => {
    expect([...regionHealths(PLAN, new Map(), NOW).keys()]).toEqual([]);
  });
});
