import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readStanding, repairEpoch, stoodFor, type EntrySeen, type MarkMemory, type Standing } from "../../../src/core/region/standing.ts";
import { entry, NOW, PLAN } from "../../support/region-scene.ts";

const memory = (region: string, epoch: number): MarkMemory => ({ region, epoch, since: NOW - 50_000, found: false });
type Ours = Extract<Standing, { readonly kind: "ours" }>;

function ours(before: MarkMemory | null, entries: readonly EntrySeen[]): Ours {
  const { standing } = readStanding(PLAN, before, entries, NOW);
  if (standing.kind !== "ours") throw new Error(standing.kind);
  return standing;
}

describe("which of two writers is right", () => {
  test.each<[string, MarkMemory | null, EntrySeen[], string, boolean, boolean]>([
    ["the first one ever read", null, [entry("eu", 4)], "eu 4", true, false],
    ["a higher epoch", memory("eu", 4), [entry("us", 5)], "us 5", true, false],
    ["never a lower one", memory("us", 5), [entry("ap", 4)], "us 5", false, false],
    ["of equal ones, who stood first", memory("us", 5), [entry("ap", 5)], "us 5", false, true],
    ["even against a more preferred one", memory("ap", 5), [entry("us", 5)], "ap 5", false, true],
    ["where both stand and none is remembered, the more preferred", null, [entry("ap", 5), entry("us", 5, { name: "AAAA" })], "us 5", false, true],
    ["a flip that has reached one entry of two", memory("eu", 4), [entry("us", 5), entry("eu", 4, { name: "AAAA" })], "us 5", false, false],
  ])("%s", (_, before, entries, right, whole, contested) => {
    const standing = ours(before, entries);
    expect([`${standing.right.region} ${standing.right.epoch}`, standing.whole, standing.contested]).toEqual([right, whole, contested]);
  });

  test.each<[string, MarkMemory, EntrySeen, string]>([
    ["another one of its epoch that is read to stand", memory("us", 5), entry("ap", 5), "ap 5"],
    ["not a lower one", memory("us", 5), entry("eu", 4), "us 5"],
    ["not its own", memory("us", 5), entry("us", 5), "us 5"],
  ])("over a mark that was accepted and never written is right: %s", (_, before, stands, right) => {
    const { memory: after } = readStanding(PLAN, before, [stands], NOW, true);
    expect(`${after?.region} ${after?.epoch}`).toBe(right);
  });

  test("over a lower epoch a mark is put back as it was, over an equal one under the next", () => {
    expect(repairEpoch(ours(memory("us", 5), [entry("ap", 4)]))).toBe(5);
    expect(repairEpoch(ours(memory("us", 5), [entry("ap", 5)]))).toBe(6);
  });

  test("buyers of entries that differ are led to no one region", () => {
    expect(ours(null, [entry("us", 5), entry("eu", 4, { name: "AAAA" })]).leadsTo).toBeNull();
  });

  /**
   * Writers that hold on to what they compared, in any order, over one entry whose provider refuses nothing. Whoever
   * reads repairs by the rule. Once nobody writes late any more, all must agree, and soon.
   */
  test("whatever lands late, all readers come to one answer and stop writing", () => {
    const act = fc.record({ who: fc.constantFrom("eu", "us", "ap"), what: fc.constantFrom("read", "compare", "write") });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
        let stands: EntrySeen = entry("eu", 1);
        const known = new Map<string, MarkMemory | null>([["eu", null], ["us", null], ["ap", null]]);
        const held = new Map<string, number>();
        const read = (who: string): Ours => {
          const seen = readStanding(PLAN, known.get(who) ?? null, [stands], NOW);
          known.set(who, seen.memory);
          return seen.standing as Ours;
        };
        const repaired = (who: string): boolean => {
          const standing = read(who);
          if (standing.whole || standing.right.region !== who) return false;
          stands = entry(who, repairEpoch(standing));
          read(who);
          return true;
        };
        for (const { who, what } of acts) {
          if (what === "read") repaired(who);
          if (what === "compare") {
            read(who);
            held.set(who, (known.get(who)?.epoch ?? 0) + 1);
          }
          const epoch = held.get(who);
          if (what === "write" && epoch !== undefined) {
            stands = entry(who, epoch);
            held.delete(who);
            read(who);
          }
        }
        let writes = 0;
        for (let round = 0; round < 6; round += 1) for (const who of known.keys()) writes += repaired(who) ? 1 : 0;
        const last = ["eu", "us", "ap"].map((who) => read(who).right);
        return writes <= 3 && last.every((one) => one.region === last[0]?.region && one.epoch === last[0].epoch);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("records that are not ours to change", () => {
  test.each<[string, Partial<EntrySeen>, string]>([
    ["somebody's words", { mark: null, foreign: "ask Ann" }, "bears somebody's words: ask Ann"],
    ["no mark", { mark: null }, "bears no mark of this site"],
    ["another site's", { mark: { site: "other", region: "eu", epoch: 1, flippedAt: 0 } }, "is marked as site other's"],
    ["an unknown region's", { mark: { site: "shop", region: "mars", epoch: 1, flippedAt: 0 } }, "is marked for mars, which is no region of this site"],
    ["changed by hand under our mark", { leadsTo: "us" }, "is marked for eu and leads to us: somebody changed it by hand"],
    ["led elsewhere by hand", { leadsTo: null }, "is marked for eu and leads to no region: somebody changed it by hand"],
  ])("%s", (_, over, why) => {
    const before = memory("eu", 1);
    expect(readStanding(PLAN, before, [{ ...entry("eu", 1), ...over }], NOW)).toEqual({ standing: { kind: "not_ours", why: `shop.example A ${why}` }, memory: before });
  });

  test("those that the provider's own health checks decide are nobody's", () => {
    const steered = (region: string, name = "A"): EntrySeen => ({ name, leadsTo: region, mark: null, foreign: null, steered: "checked" });
    const of = (...entries: EntrySeen[]): Standing => readStanding(PLAN, null, entries, NOW).standing;
    expect(of(steered("eu"), steered("eu", "AAAA"))).toEqual({ kind: "steered", prefers: "eu" });
    expect(of(steered("eu"), steered("us", "AAAA"))).toEqual({ kind: "steered", prefers: null });
    expect(of(steered("eu"), { ...steered("eu", "AAAA"), steered: "unchecked" })).toMatchObject({ kind: "not_ours", why: expect.stringContaining("the provider's own health checks decide A") });
    expect(of({ ...steered("eu"), steered: "unchecked" })).toEqual({ kind: "not_ours", why: "A is decided by the provider itself and by no health check, so it goes on leading to a region that is gone" });
    expect(of(entry("eu", 1), steered("eu", "AAAA"))).toEqual({ kind: "not_ours", why: "the provider's own health checks decide AAAA, and not the others: one of the two has to decide all of them" });
  });

  test("none at all", () => expect(readStanding(PLAN, null, [], NOW).standing).toMatchObject({ kind: "not_ours" }));
});

test("a mark stands for as long as anybody has seen it, and another's word on another mark says nothing", () => {
  const told = [{ region: "us", epoch: 5, seenForMs: 900_000 }, { region: "us", epoch: 4, seenForMs: 9_000_000 }, { region: "ap", epoch: 5, seenForMs: 9_000_000 }];
  expect(stoodFor(memory("us", 5), told, NOW)).toBe(900_000);
  expect(stoodFor(memory("us", 5), [], NOW)).toBe(50_000);
});
