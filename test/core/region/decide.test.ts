import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { couldTakeOver, decideRegion, isUrgent, questionsOf } from "../../../src/core/region/decide.ts";
import type { RegionDecision, RegionScene } from "../../../src/core/region/scene.ts";
import { readStanding } from "../../../src/core/region/standing.ts";
import { HOLD_CODES } from "../../../src/core/region/reason.ts";
import { NO_TRIES } from "../../../src/core/region/tries.ts";
import { COPIES, DOWN, entry, heard, looked, lost, NOW, PLAN, scene, UP, voted, WELL } from "../../support/region-scene.ts";

/** A decision in a word: "flip down 2", "repair 5", "stay", "quorum veto". */
function word(decision: RegionDecision): string {
  switch (decision.kind) {
    case "flip":
      return `flip ${decision.cause} ${decision.epoch}`;
    case "repair":
      return `repair ${decision.epoch}`;
    case "stay":
      return "stay";
    case "hold":
      return decision.reasons.map((one) => one.code).join(" ");
  }
}

const decided = (over: RegionScene): string => word(decideRegion(over));
/** Records and what is remembered of them; a flip long ago unless told otherwise. */
const records = (leadsTo: string, epoch: number, since = NOW - 4_000_000): Pick<RegionScene, "standing" | "memory"> => readStanding(PLAN, { region: leadsTo, epoch, since, found: false }, [entry(leadsTo, epoch)], NOW);

const withVeto = ({ ballot, votes }: Pick<RegionScene, "ballot" | "votes">): Pick<RegionScene, "ballot" | "votes"> => ({ ballot, votes: votes.map((vote) => ({ ...vote, vetoed: vote.observer === "ap" })) });

test("a region says while all is well that it could not take over, where its own public path cannot be seen", () => {
  const blind = looked("....?");
  expect(decideRegion(scene({ views: new Map([["eu", UP], ["us", blind], ["ap", UP]]) }))).toMatchObject({ kind: "hold", about: "takeover", reasons: [{ code: "blind_here", text: "us could not take over: its own public path cannot be seen from here: no network here" }] });
  expect(decided(scene({ views: new Map([["eu", UP], ["us", looked("..xxx.")], ["ap", UP]]) }))).toBe("stay");
  expect(decided(scene({ ...records("us", 4), views: new Map([["eu", UP], ["us", blind], ["ap", UP]]) }))).toBe("stay");
});

describe("where eu is lost and us is the next", () => {
  test.each<[string, Partial<RegionScene>, string]>([
    ["it takes over", {}, "flip down 2"],
    ["not while another daemon leads", { leads: false }, "not_leader"],
    ["not before the records were read", { standing: { kind: "unread" } }, "records_unread"],
    ["not where they are not ours", { standing: { kind: "not_ours", why: "somebody's words" } }, "records_not_ours"],
    ["not where the provider's health checks decide, which a person is told of", { standing: { kind: "steered", prefers: "eu" } }, "steered"],
    ["nor where those prefer a region that answers", { standing: { kind: "steered", prefers: "ap" } }, "stay"],
    ["not on its own view", voted("eu", ""), "quorum"],
    ["not where the others see it answer", voted("eu", "ap:up w1:up"), "disagree"],
    ["not on what was said to an earlier question", { ballot: { nonce: "n2", about: ["eu"], askedAt: NOW } }, "quorum"],
    ["not against the word of a healthy daemon", { heard: new Map([["eu", heard("eu")], ["ap", heard("ap")]]) }, "veto"],
    ["nor against one that only ap can hear", withVeto(voted("eu", "ap:down w1:down")), "veto"],
    ["but against one whose own public path fails", { heard: new Map([["eu", heard("eu", { outside: "down" })], ["ap", heard("ap")]]) }, "flip down 2"],
    ["and against one that gives itself up", { heard: new Map([["eu", heard("eu", { givesUp: "draining" })], ["ap", heard("ap")]]) }, "flip down 2"],
    ["not while it is ill itself, though ap is there", { own: { ...WELL, status: "unhealthy" } }, "unfit_checks"],
    ["not before it has looked at itself, which is no reason to say that all are bad", { own: { ...WELL, status: "unknown", selling: false, ready: 0 }, heard: new Map([["eu", null], ["ap", heard("ap", { selling: false })]]) }, "unfit_unseen"],
    ["not with too few pods", { own: { ...WELL, ready: 1 } }, "unfit_capacity"],
    ["not where it cannot be reached itself", { views: new Map([["eu", DOWN], ["us", DOWN], ["ap", UP]]) }, "unfit_path"],
    ["and where ap is no better, says that all are bad", { own: { ...WELL, selling: false }, heard: new Map([["eu", null], ["ap", heard("ap", { selling: false })]]) }, "unfit_checks all_bad"],
    ["with a parity that has failed since, for it was proven when it began", { own: { ...WELL, parity: "failed" } }, "flip down 2"],
    ["not an hour after the last flip", records("eu", 4, NOW - 3_599_000), "block"],
    ["after that hour", records("eu", 4, NOW - 3_600_000), "flip down 5"],
    ["or once a person has acknowledged it", { ...records("eu", 4, NOW - 60_000), acknowledged: 4 }, "flip down 5"],
    ["or where ap has seen that mark for longer", { ...records("eu", 4, NOW - 60_000), heard: new Map([["eu", null], ["ap", heard("ap", { mark: { region: "eu", epoch: 4, seenForMs: 3_600_000 } })]]) }, "flip down 5"],
    ["not beside an act of its own", { unsettled: "an act is under way" }, "unsettled"],
    ["not while the provider asks for a moment", { tries: { ...NO_TRIES, count: 1, nextAt: NOW + 1_000, why: "503" } }, "provider_wait"],
    ["not where it has been tried enough", { tries: { ...NO_TRIES, count: 5, over: true, why: "503" } }, "provider_down"],
    ["not at the moment when it answers again", { views: new Map([["eu", looked("..xxx.")], ["us", UP]]) }, "recovering"],
    ["not without a network here", { views: new Map([["eu", looked("..xxx?")], ["us", UP]]) }, "blind"],
  ])("%s", (_, over, expected) => expect(decided(lost(over))).toBe(expected));

  test("it says who agreed and what it warns of", () => {
    const incident = { about: "eu", since: NOW - 5_000, parity: "failed", readySince: NOW } as const;
    expect(decideRegion(lost({ incident }))).toEqual({ kind: "flip", to: "us", from: "eu", epoch: 2, cause: "down", by: ["ap", "us", "w1"], warns: ["us did not answer as the primary does when the incident began"], who: "shopkeeper" });
  });

  test("every hold has a known code and a sentence", () => {
    const decision = decideRegion(lost({ own: { ...WELL, ready: 0, status: "unhealthy", selling: false }, ...voted("eu", ""), ...records("eu", 4, NOW) }));
    expect(decision.kind === "hold" && decision.reasons.every((one) => HOLD_CODES.includes(one.code) && one.text.length > 10)).toBe(true);
    expect(word(decision)).toBe("quorum unfit_checks unfit_capacity block");
  });
});

describe("where eu serves nothing but copies", () => {
  const copies = (over: Partial<RegionScene> = {}): RegionScene => lost({ views: new Map([["eu", COPIES], ["us", UP], ["ap", UP]]), heard: new Map([["eu", heard("eu", { status: "unhealthy", selling: false })], ["ap", heard("ap")]]), ...voted("eu", "w1:copies-only", 64_000), ...over });

  test.each<[string, RegionScene, string]>([
    ["us takes over once two have seen that for a minute", copies(), "flip copies-only 2"],
    ["not on its own view", copies(voted("eu", "w1:up", 20_000)), "quorum"],
    ["not unless us itself could have sold all the while", copies({ sellingSince: NOW - 59_000 }), "copies_wait"],
    ["not where the API is gone for both", copies({ own: { ...WELL, selling: false, status: "unhealthy" }, sellingSince: null }), "copies_wait unfit_checks"],
    ["not with failed parity, for eu still serves", copies({ incident: { about: "eu", since: NOW, parity: "failed", readySince: NOW } }), "unfit_parity"],
    ["at once where eu gives itself up", copies({ views: new Map([["eu", looked(".ccc")], ["us", UP]]), heard: new Map([["eu", heard("eu", { status: "unhealthy", givesUp: "draining" })]]), sellingSince: NOW - 1_000, ...voted("eu", "w1:up", 4_000) }), "flip copies-only 2"],
  ])("%s", (_, over, expected) => expect(decided(over)).toBe(expected));
});

describe("who of several takes over", () => {
  const asAp = (over: Partial<RegionScene> = {}): RegionScene => lost({ me: "ap", ...voted("eu", "us:down w1:down"), heard: new Map([["eu", null], ["us", heard("us")]]), ...over });
  const agreed = (ago: number): Pick<RegionScene, "incident"> => ({ incident: { about: "eu", since: NOW - 60_000, parity: "proven", readySince: NOW - ago } });
  const both = [...voted("eu", "us:down w1:down").votes, ...voted("us", "w1:down").votes];

  test.each<[string, Partial<RegionScene>, string]>([
    ["the preferred one, where it is fit", {}, "not_preferred"],
    ["the next, where that says it is not", { heard: new Map([["eu", null], ["us", heard("us", { ready: 0 })]]) }, "flip down 2"],
    ["the next, where that cannot be reached from outside", { heard: new Map([["eu", null], ["us", heard("us", { outside: "down" })]]) }, "flip down 2"],
    ["nobody yet, where that says nothing", { heard: new Map([["eu", null], ["us", null]]) }, "yielding"],
    ["the next, once that has said nothing for a while", { heard: new Map([["eu", null], ["us", null]]), ...agreed(10_000) }, "flip down 2"],
    ["the next at once, where that is lost too", { views: new Map([["eu", DOWN], ["us", DOWN], ["ap", UP]]), heard: new Map([["eu", null], ["us", null]]), ballot: { nonce: "n", about: ["eu", "us"], askedAt: NOW }, votes: both }, "flip down 2"],
    ["the next, where that seems fit and does nothing", agreed(30_000), "flip down 2"],
    ["not while none of them may, for then all would in one moment", { ...agreed(30_000), ...records("eu", 4, NOW) }, "block"],
  ])("%s", (_, over, expected) => expect(decided(asAp(over))).toBe(expected));
});

describe("back to a more preferred region", () => {
  const back = (over: Partial<RegionScene> = {}): RegionScene => scene({ me: "eu", ...records("us", 2), heard: new Map([["us", heard("us")]]), ...voted("eu", "us:up w1:up"), ...over });

  test.each<[string, Partial<RegionScene>, string]>([
    ["once it is well for long enough, and others see it so", {}, "flip failback 3"],
    ["not before", { fitSince: NOW - 899_000 }, "failback_wait"],
    ["not while it is unfit", { fitSince: null, own: { ...WELL, ready: 0 } }, "failback_wait unfit_capacity"],
    ["not with failed parity", { own: { ...WELL, parity: "failed" } }, "unfit_parity"],
    ["not on its own view of itself", voted("eu", ""), "quorum"],
    ["not within the block", records("us", 2, NOW - 1_000_000), "block"],
    ["never by itself where a person is to do it", { plan: { ...PLAN, rules: { ...PLAN.rules, failbackAfter: null } } }, "failback_manual"],
    ["not where a still more preferred one will", { me: "us", ...records("ap", 2), heard: new Map([["eu", heard("eu")], ["ap", heard("ap")]]) }, "not_preferred"],
  ])("%s", (_, over, expected) => expect(decided(back(over))).toBe(expected));

  test("nobody is asked before it is time", () => {
    expect([questionsOf(back()), questionsOf(back({ fitSince: NOW }))]).toEqual([["eu"], []]);
  });
});

describe("what stands at the provider is put right", () => {
  const late = (right: string, epoch: number, stands: string, over: Partial<RegionScene> = {}): RegionScene => scene({ ...readStanding(PLAN, { region: right, epoch, since: NOW - 60_000, found: false }, [entry(stands, over.memory?.epoch ?? epoch)], NOW), ...over });

  test.each<[string, RegionScene, string]>([
    ["by the region pushed aside, under the next epoch", late("us", 5, "ap"), "repair 6"],
    ["within the block, for it is no flip", late("us", 5, "eu"), "repair 6"],
    ["not by another", late("ap", 5, "us", { me: "us" }), "late_write"],
    ["not by one that could not serve", late("us", 5, "ap", { own: { ...WELL, ready: 0 } }), "unfit_capacity"],
    ["not for ever", late("us", 5, "ap", { repairedAt: [1, 2, 3].map((ago) => NOW - ago * 60_000) }), "repairs_spent"],
    ["anew in the next hour", late("us", 5, "ap", { repairedAt: [1, 2, 3].map((ago) => NOW - ago * 3_600_000) }), "repair 6"],
    ["a flip that reached a part is completed under its own epoch", scene(readStanding(PLAN, null, [entry("us", 5), entry("eu", 4, { name: "AAAA" })], NOW)), "repair 5"],
  ])("%s", (_, over, expected) => expect(decided(over)).toBe(expected));
});

describe("a person's order", () => {
  const order = { id: "1", to: "us", by: "ann" };
  test.each<[string, RegionScene, string]>([
    ["needs no votes, and ignores the block", scene({ order, ...records("eu", 4, NOW) }), "flip manual 5"],
    ["overrides a veto", lost({ order, heard: new Map([["eu", heard("eu")]]), ...voted("eu", "") }), "flip manual 2"],
    ["is not carried out where buyers could not be served", scene({ order, own: { ...WELL, selling: false } }), "unfit_checks"],
    ["is another region's to carry out", scene({ order: { ...order, to: "ap" } }), "not_target"],
    ["changes nothing that is so already", scene({ order, ...records("us", 4) }), "stay"],
    ["waits for an act under way", scene({ order, unsettled: "an act is under way" }), "unsettled"],
    ["tries a provider again that was given up", scene({ order, tries: { ...NO_TRIES, count: 6, over: true } }), "flip manual 2"],
    ["steers no one whom the provider's health checks lead", scene({ order, standing: { kind: "steered", prefers: "eu" } }), "steered"],
    ["does not write over somebody's words", scene({ order, standing: { kind: "not_ours", why: "somebody's words" } }), "records_not_ours"],
  ])("%s", (_, over, expected) => expect(decided(over)).toBe(expected));
});

describe("what is asked of whom", () => {
  test.each<[string, RegionScene, readonly string[]]>([
    ["nothing while eu answers", scene(), []],
    ["about eu once it is down for us", lost(), ["eu"]],
    ["about us too, by ap, where that is down as well", lost({ me: "ap", views: new Map([["eu", DOWN], ["us", DOWN], ["ap", UP]]) }), ["eu", "us"]],
    ["nothing by a daemon that does not lead", lost({ leads: false }), []],
    ["nothing by the region that buyers are led to", lost({ me: "eu" }), []],
  ])("%s", (_, over, expected) => expect(questionsOf(over)).toEqual(expected));

  test("readiness, whoever is preferred, and urgency", () => {
    const blocked = lost(records("eu", 4, NOW));
    expect([couldTakeOver(lost(), "eu"), couldTakeOver(blocked, "eu"), couldTakeOver(scene(), "eu")]).toEqual([true, false, false]);
    expect(couldTakeOver(lost({ me: "ap", ...voted("eu", "us:down w1:down"), heard: new Map([["us", heard("us")]]) }), "eu")).toBe(true);
    expect([isUrgent(scene()), isUrgent(lost()), isUrgent(scene({ views: new Map([["eu", looked("...x")]]) }))]).toEqual([false, true, true]);
  });
});

test("whatever anybody says, a flip has two observers, a fit target and no block", () => {
  const view = fc.constantFrom("....", "..xxx", "..xxx?", "..xxx.", `.${"c".repeat(33)}`).map((run) => looked(run));
  const says = fc.constantFrom("up", "down", "copies-only", "unknown");
  const own = fc.record({ status: fc.constantFrom("healthy", "degraded", "unhealthy", "unknown"), selling: fc.boolean(), ready: fc.nat(3), parity: fc.constantFrom("proven", "failed", "not_measured"), givesUp: fc.constantFrom(null, "draining") });
  fc.assert(
    fc.property(view, view, says, says, own, fc.nat(4_000_000), fc.boolean(), (eu, us, ap, w1, state, ago, silent) => {
      const decision = decideRegion(lost({ views: new Map([["eu", eu], ["us", us], ["ap", UP]]), own: state, ...voted("eu", `ap:${ap} w1:${w1}`), ...records("eu", 4, NOW - ago), ...(silent ? {} : { heard: new Map([["eu", heard("eu")]]) }) }));
      if (decision.kind !== "flip") return decision.kind === "stay" || (decision.kind === "hold" && decision.reasons.length > 0);
      return decision.by.length >= 2 && decision.to === "us" && ago >= 3_600_000 && silent && state.selling && state.ready >= 2 && state.givesUp === null;
    }),
    { numRuns: 2_000 },
  );
});
