import { describe, expect, test } from "vitest";
import { callRoll, describeRoll, FEW_ROUNDS, findingOfRoll, newRoll, observersBut, type Roll } from "../../../src/core/region/roll.ts";
import type { Reply } from "../../../src/core/region/vote.ts";
import { PLAN } from "../../support/region-scene.ts";

const MINUTE = 60_000;

/** `.` votes on all regions, `?` sees none, `0` votes on none, `x` silent; of eu, us, ap and w1 but `me`. */
function replies(me: string, marks: string): ReadonlyMap<string, Reply> {
  return new Map(observersBut(PLAN, me).map((observer, at) => {
    const mark = marks[at];
    const votes = mark === "0" ? [] : PLAN.regions.map(({ name: about }) => ({ nonce: "n", observer, about, says: mark === "?" ? ("unknown" as const) : ("up" as const), copiesForMs: 0, vetoed: false }));
    return [observer, mark === "x" ? { kind: "silent", why: "refused: ECONNREFUSED" } : { kind: "votes", votes }];
  }));
}

/** Rounds a minute apart, the first at minute 1. */
function after(me: string, about: string | null, rounds: readonly string[], online: boolean | null = true, plan = PLAN): Roll {
  return rounds.reduce((roll, marks, at) => callRoll(roll, plan, me, about, replies(me, marks), online, (at + 1) * MINUTE), newRoll(plan, me));
}

describe("who could speak in an incident of the region that buyers are led to", () => {
  test.each<[string, string, string, readonly string[]]>([
    ["all that are asked, and who asks", "us", "...", ["us", "ap", "w1"]],
    ["not the region's own daemon, though it answers", "us", ".xx", ["us"]],
    ["not the asker, where it is its own region", "eu", "...", ["us", "ap", "w1"]],
    ["nor who is silent", "eu", ".x.", ["us", "w1"]],
    ["nor who answers and cannot see it", "eu", ".?.", ["us", "w1"]],
    ["nor who answers and says nothing of it", "eu", ".0.", ["us", "w1"]],
    ["a silent primary changes nothing", "us", "x..", ["us", "ap", "w1"]],
  ])("%s", (_, me, marks, able) => expect(after(me, "eu", [marks]).quorum?.able).toEqual(able));

  test("is known of nobody while it is not known where buyers are led", () => {
    const roll = after("us", null, [".xx", ".xx", ".xx", ".xx"]);
    expect([roll.quorum, findingOfRoll(roll), describeRoll(roll, PLAN, 0)]).toEqual([null, "unsure", ""]);
    expect(roll.present.map(({ why }) => why)).toEqual([null, "refused: ECONNREFUSED", "refused: ECONNREFUSED"]);
  });
});

describe(`too few, two of whom are needed, for ${FEW_ROUNDS} rounds in a row`, () => {
  test.each<[string, readonly string[], "enough" | "unsure" | "few"]>([
    ["not known before the first round", [], "unsure"],
    ["one round is a restart", [".xx"], "unsure"],
    ["two may be", [".xx", ".xx"], "unsure"],
    ["three are not", [".xx", ".xx", ".xx"], "few"],
    ["a break begins it anew", [".xx", ".xx", "...", ".xx", ".xx"], "unsure"],
    ["who is missing may change", ["xxx", ".??", ".00"], "few"],
    ["one is lost and the quorum holds", [".x.", ".x.", ".x.", ".x."], "enough"],
    ["one round with enough ends it", [".xx", ".xx", ".xx", ".x."], "enough"],
  ])("%s", (_, rounds, expected) => expect(findingOfRoll(after("us", "eu", rounds))).toBe(expected));

  test("counts by the quorum of the plan", () => {
    const strict = { ...PLAN, rules: { ...PLAN.rules, quorum: 3 } };
    expect(findingOfRoll(after("us", "eu", [".x.", ".x.", ".x."], true, strict))).toBe("few");
  });

  test("is not told by rounds in which the network here was gone, nor ended by them; who is heard all the same is", () => {
    expect(findingOfRoll(after("us", "eu", ["xxx", "xxx", "xxx"], false))).toBe("unsure");
    const few = after("us", "eu", [".xx", ".xx", ".xx"]);
    const blind = callRoll(few, PLAN, "us", "eu", replies("us", "xxx"), false, 4 * MINUTE);
    expect([findingOfRoll(blind), blind.fewSince, blind.present[0]?.why]).toEqual(["few", MINUTE, "no reference host answers from here, so it cannot be told: refused: ECONNREFUSED"]);
    expect(findingOfRoll(callRoll(blind, PLAN, "us", "eu", replies("us", "..."), false, 5 * MINUTE))).toBe("enough");
    expect(findingOfRoll(after("us", "eu", [".xx", ".xx", ".xx"], null))).toBe("few");
  });
});

test("of each observer it is kept when it was heard last, and why it could not have spoken", () => {
  expect(newRoll(PLAN, "us").present).toEqual(["eu", "ap", "w1"].map((observer) => ({ observer, askedAt: null, heardAt: null, why: null })));
  const roll = after("us", "eu", ["...", ".xx", "xx?"]);
  expect(roll.present).toEqual([
    { observer: "eu", askedAt: 3 * MINUTE, heardAt: 2 * MINUTE, why: "refused: ECONNREFUSED" },
    { observer: "ap", askedAt: 3 * MINUTE, heardAt: MINUTE, why: "refused: ECONNREFUSED" },
    { observer: "w1", askedAt: 3 * MINUTE, heardAt: 3 * MINUTE, why: "it answers, and cannot see eu from where it is" },
  ]);
  expect(describeRoll(roll, PLAN, 4 * MINUTE)).toBe("in an incident of eu us could speak, 2 needed; not ap, heard 3m ago (refused: ECONNREFUSED); not w1, heard 1m ago (it answers, and cannot see eu from where it is)");
  expect(describeRoll(after("eu", "eu", ["xx0"]), PLAN, 2 * MINUTE)).toBe("in an incident of eu nobody could speak, 2 needed; not us, never heard yet (refused: ECONNREFUSED); not ap, never heard yet (refused: ECONNREFUSED); not w1, heard 1m ago (it answers, and says nothing of eu: are its regions those of here?)");
});
