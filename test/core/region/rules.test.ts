import { describe, expect, test } from "vitest";
import { blockedUntil } from "../../../src/core/region/block.ts";
import { followIncident, followReadiness } from "../../../src/core/region/incident.ts";
import { DEFAULT_REGION_RULES as RULES, flawsOfRegions, observersOf, preferredTo, type RegionPlan, type RegionRules } from "../../../src/core/region/region.ts";
import { answeredAgain, failedTry, NO_TRIES, type Tries, type TryFailure } from "../../../src/core/region/tries.ts";
import { DOWN, looked, NOW, PLAN, UP } from "../../support/region-scene.ts";

describe("a plan of regions", () => {
  const plan = (over: Partial<RegionPlan>, rules: Partial<RegionRules> = {}): readonly string[] => flawsOfRegions({ ...PLAN, ...over, rules: { ...RULES, ...rules } }).map(({ about, text, expected }) => `${about}: ${text}; ${expected}`);
  const two = PLAN.regions.slice(0, 2);

  test.each([
    ["works", plan({}), []],
    ["of two regions needs a witness", plan({ regions: two, witnesses: [] }), ["quorum: quorum 2 would need the preferred region's own vote: 1 observer watches it from outside; a witness more, or a third region"]],
    ["of two regions with one works", plan({ regions: two }), []],
    ["of one is none", plan({ regions: two.slice(1) }), ["regions: there must be 2 to 8 regions; 2 to 8 of them, the preferred one first"]],
    ["never acts on one view", plan({}, { quorum: 1 }), ["quorum: quorum must be at least 2: one observer's view is never enough; 2 or more"]],
    ["has names that tell apart", plan({ witnesses: ["eu"] }), ["witnesses: regions and witnesses must have names of their own; each name once"]],
    ["leads buyers to pods", plan({ regions: [...two, { name: "ap", floor: 0 }] }), ["regions: a region's floor must be at least 1 pod; floor: 1 or more"]],
    ["does not look twice at once", plan({}, { lookDeadline: 2_000 }), ["lookDeadline: a look that may take 2s would meet the next one, 2s after it; less than 2s, the time between two looks"]],
    ["tells each of its flaws", plan({}, { quorum: 4, fall: 0 }), ["quorum: quorum 4 would need the preferred region's own vote: 3 observers watch it from outside; at most 3, or a witness more", "fall: fall must be at least 1; 1 or more"]],
    ["does not try for long", plan({}, { tryFor: 90_000 }), ["tryFor: tries at the provider must end within the minute, not 1m30s; at most 1m"]],
    ["does not try on into its own block", plan({}, { block: 1_000 }), ["block: the block between flips must be longer than the tries of one; more than 30s"]],
  ])("%s", (_, flaw, expected) => expect(flaw).toEqual(expected));

  test("knows who is preferred, and who watches whom", () => {
    expect([preferredTo(PLAN, "ap"), preferredTo(PLAN, "eu"), preferredTo(PLAN, "mars")]).toEqual([["eu", "us"], [], []]);
    expect(observersOf(PLAN, "eu")).toEqual(["us", "ap", "w1"]);
  });
});

describe("the block after a flip", () => {
  const memory = { region: "us", epoch: 3, since: NOW - 1_000_000, found: false };
  test.each([
    ["stands for an hour from when the epoch was seen to change", memory, 0, NOW + 2_600_000],
    ["stands as well where nobody knows for how long it has", { ...memory, found: true }, 0, NOW + 2_600_000],
    ["is none before the first flip", { ...memory, epoch: 1 }, 0, null],
    ["is lifted by whoever acknowledged that epoch", memory, 3, null],
    ["is not by an acknowledgement of an earlier one", memory, 2, NOW + 2_600_000],
    ["ends", { ...memory, since: NOW - 3_600_000 }, 0, null],
  ])("%s", (_, of, acknowledged, until) => expect(blockedUntil(of, [], acknowledged, NOW, RULES)).toBe(until));
});

describe("tries at the provider", () => {
  const failure: TryFailure = { final: false, retryAfterMs: 0, why: "503" };
  const fail = (tries: Tries, now: number, over: Partial<TryFailure> = {}): Tries => failedTry(tries, { ...failure, ...over }, now, now, RULES);

  test("come ever later, and end within the time promised", () => {
    let tries = NO_TRIES;
    const at: number[] = [];
    for (let now = 0; !tries.over; now = tries.nextAt) {
      at.push(now);
      tries = fail(tries, now);
    }
    expect(at).toEqual([0, 1_000, 3_000, 7_000, 15_000]);
  });

  test.each([
    ["are over at once where trying cannot help", { final: true }, true],
    ["wait as long as they are asked to", { retryAfterMs: 8_000 }, false],
    ["are over where that is longer than anybody waits", { retryAfterMs: 300_000 }, true],
  ])("%s", (_, over, expected) => expect(fail(NO_TRIES, 0, over).over).toBe(expected));

  test("are begun anew once it answers again, and not without end", () => {
    const over = fail(NO_TRIES, 0, { retryAfterMs: 300_000 });
    expect(answeredAgain(over, 299_999)).toBe(over);
    const second = answeredAgain(over, 300_000);
    expect([second.over, second.begun]).toEqual([false, 1]);
    const third = answeredAgain({ ...second, over: true }, 600_000);
    expect(answeredAgain({ ...third, over: true }, 900_000)).toMatchObject({ over: true, begun: 2 });
  });
});

describe("an incident", () => {
  const open = followIncident(null, "eu", "us", DOWN, "proven", NOW);

  test("begins with the first failed look, and keeps what was proven then", () => {
    expect(open).toEqual({ about: "eu", since: NOW - 4_000, parity: "proven", readySince: null });
    expect(followIncident(open, "eu", "us", DOWN, "failed", NOW + 2_000)).toBe(open);
  });

  test.each([
    ["ends once it is well", "eu", UP, null],
    ["does not end because nobody can look", "eu", looked("..xxx?"), open],
    ["ends where buyers are led elsewhere", "ap", UP, null],
    ["is not one's own", "us", DOWN, null],
    ["waits while nobody knows where they are led", null, DOWN, open],
  ])("%s", (_, about, view, expected) => expect(followIncident(open, about, "us", view, "proven", NOW)).toEqual(expected));

  test("knows for how long nothing has stood before this region, without a break", () => {
    if (open === null) throw new Error("none");
    const ready = followReadiness(open, true, NOW);
    expect([ready.readySince, followReadiness(ready, true, NOW + 1_000) === ready, followReadiness(ready, false, NOW + 2_000).readySince]).toEqual([NOW, true, null]);
  });
});
