import { describe, expect, test } from "vitest";
import { lookedAt } from "../../../src/core/region/looked-at.ts";
import { readStanding, type MarkMemory } from "../../../src/core/region/standing.ts";
import { entry, NOW, PLAN } from "../../support/region-scene.ts";

const HOUR = 3_600_000;

describe("somebody has to look at a failover", () => {
  const led = (region: string, me: string, { acknowledged = 0, ago = 1_000 } = {}): string | null => {
    const memory: MarkMemory = { region, epoch: 2, since: NOW - ago, found: false };
    return lookedAt(PLAN, me, readStanding(PLAN, memory, [entry(region, 2)], NOW).standing, memory, acknowledged, NOW);
  };

  test.each<[string, string | null, string | null]>([
    ["while buyers are where it led them", led("us", "us", { ago: 9 * HOUR }), null],
    ["not once they are led elsewhere", led("eu", "us"), "buyers are led to eu now"],
    ["not once a person has", led("us", "us", { acknowledged: 2 }), "a person has looked"],
    ["though a person has looked at an earlier one", led("us", "us", { acknowledged: 1 }), null],
    ["for an hour where it is the preferred region", led("eu", "eu", { ago: HOUR - 1 }), null],
    ["and not after that", led("eu", "eu", { ago: HOUR }), "eu is the preferred region, and has been led to since"],
  ])("%s", (_what, found, why) => {
    expect(found).toBe(why);
  });

  test("while it is not known where they are led", () => {
    expect(lookedAt(PLAN, "us", { kind: "unread" }, null, 0, NOW)).toBeNull();
    const memory: MarkMemory = { region: "us", epoch: 2, since: NOW, found: false };
    expect(lookedAt(PLAN, "us", readStanding(PLAN, memory, [entry("us", 2), entry("eu", 1, { name: "AAAA" })], NOW).standing, memory, 2, NOW)).toBeNull();
  });
});
