import { describe, expect, test } from "vitest";
import { because, HOLD_CODES, type HoldCode } from "../../../src/core/region/reason.ts";
import type { Unread } from "../../../src/engine/region/desk.ts";
import type { RegionIntent } from "../../../src/engine/region/region-state.ts";
import type { RegionDecision } from "../../../src/core/region/scene.ts";
import { dueOf, followHeld, ring, ringAct, ringOver } from "../../../src/engine/region/region-pages.ts";

const NOW = 1_000_000;
const hold = (about: "takeover" | "failback", ...codes: HoldCode[]): RegionDecision => ({ kind: "hold", about, reasons: codes.map((code) => because(code, code)) });

function pages(decision: RegionDecision, heldFor: number): readonly string[] {
  const held = followHeld(new Map(), decision, NOW - heldFor);
  return [...dueOf(decision, held, {}, null, 60_000, NOW).keys()];
}

describe("a person is called", () => {
  test.each<[string, RegionDecision, number, readonly string[]]>([
    ["at once where the target is unfit", hold("takeover", "unfit_checks"), 0, ["region_held"]],
    ["not because a leader that has just begun has not looked yet", hold("takeover", "unfit_unseen"), 59_999, []],
    ["but where it never comes to know", hold("takeover", "unfit_unseen"), 60_000, ["region_held"]],
    ["at once because of the block", hold("takeover", "block"), 0, ["region_held"]],
    ["not while it is not agreed on that anything is wrong", hold("takeover", "quorum", "unfit_checks", "block"), 0, []],
    ["after a minute without agreement", hold("takeover", "quorum", "unfit_checks"), 60_000, ["region_held"]],
    ["after a minute of a veto", hold("takeover", "veto"), 60_000, ["region_held"]],
    ["not before", hold("takeover", "veto"), 59_999, []],
    ["at once because of the provider", hold("takeover", "provider_down"), 0, ["region_provider_down"]],
    ["of each page's reasons once", hold("takeover", "provider_down", "unfit_checks", "block"), 0, ["region_provider_down", "region_held"]],
    ["not because another region takes over", hold("takeover", "not_preferred"), 3_600_000, []],
    ["not because leading back waits", hold("failback", "failback_wait", "unfit_checks", "block"), 3_600_000, []],
    ["but where the provider stops that", hold("failback", "provider_down"), 0, ["region_provider_down"]],
    ["never while it stays", { kind: "stay", why: "well" }, 3_600_000, []],
  ])("%s", (_, decision, heldFor, expected) => expect(pages(decision, heldFor)).toEqual(expected));

  test("for every reason or for none, but without failing", () => {
    for (const code of HOLD_CODES) expect(pages(hold("takeover", code), 3_600_000).length).toBeLessThanOrEqual(1);
  });
});

test("a reason is counted from when it began to hold, and anew after a break", () => {
  const veto = hold("takeover", "veto");
  const first = followHeld(new Map(), veto, 0);
  expect([followHeld(first, veto, 30_000).get("veto"), followHeld(followHeld(first, hold("takeover", "quorum"), 30_000), veto, 40_000).get("veto")]).toEqual([0, 40_000]);
});

describe("what fires already", () => {
  const due = (decision: RegionDecision, firing: Readonly<Record<string, number>>, unread: Unread | null = null): readonly (string | null)[] => [...dueOf(decision, followHeld(new Map(), decision, NOW), firing, unread, 60_000, NOW)].flat();

  test("goes on while any of its reasons holds, for however short a time a new leader has counted it", () => {
    expect([due(hold("takeover", "quorum"), { region_held: 5 }), due(hold("takeover", "quorum"), {}), due({ kind: "stay", why: "" }, { region_held: 5 })]).toEqual([["region_held", null], [], []]);
  });

  test.each<HoldCode>(["not_leader", "records_unread"])("goes on while nothing is known that could end it: %s", (code) => {
    expect(due(hold("takeover", code), { region_held: 5, region_late_write: 6 })).toEqual(["region_held", null, "region_late_write", null]);
  });

  test("a provider that cannot be read for a minute calls a person, whatever is decided, until it can", () => {
    const unread = (ago: number): Unread => ({ since: NOW - ago, why: "answered 502" });
    const stay: RegionDecision = { kind: "stay", why: "eu answers" };
    expect([due(stay, {}, unread(59_999)), due(stay, {}, unread(60_000)), due(stay, { region_provider_down: 5 }, unread(0)), due(stay, { region_provider_down: 5 })]).toEqual([
      [], ["region_provider_down", "what stands at the provider cannot be read: answered 502"], ["region_provider_down", "what stands at the provider cannot be read: answered 502"], [],
    ]);
  });
});

test("what decisions do not speak of fires on: that is for others to end", () => {
  const parts = { site: "shop", me: "us", runbooks: "docs/runbooks", disagreeFor: 60_000 };
  const before = { region_observers_few: 5, region_held: 6 };
  const { firing, alerts } = ring(parts, before, new Map(), "stay: eu answers", 9, 300);
  expect([firing, alerts.map(({ reason }) => reason)]).toEqual([{ region_observers_few: 5 }, ["region_held"]]);
  expect(ring(parts, firing, new Map(), "stay: eu answers", 9, 400).firing).toBe(firing);
});

describe("what was done to the records", () => {
  const PARTS = { site: "shop", me: "us", runbooks: "docs/runbooks", disagreeFor: 60_000 };
  const intent = (id: string, over: Partial<RegionIntent> = {}): RegionIntent => ({ id, kind: "flip", to: "us", from: "eu", epoch: 2, cause: "down", who: "shopkeeper", ...over });

  test("fires until nobody needs to look at it, under one key each, and leaves what else fires alone", () => {
    const flipped = ringAct(PARTS, { region_held: 5 }, intent("a"), "buyers are led to us", 100);
    const repaired = ringAct(PARTS, flipped.firing, intent("b", { kind: "repair", cause: "over ap epoch 2" }), "pushed aside", 200);
    expect(ringOver(PARTS, { region_held: 5 }, "buyers are led to eu now", 300)).toEqual({ firing: { region_held: 5 }, alerts: [] });
    const over = ringOver(PARTS, repaired.firing, "buyers are led to eu now", 300);
    expect(over.firing).toEqual({ region_held: 5 });
    expect(over.alerts).toMatchObject([
      { state: "resolved", reason: "region_failed_over", key: flipped.alerts[0]?.key, startedAt: 100, summary: "buyers are led to eu now" },
      { state: "resolved", reason: "region_late_write", key: repaired.alerts[0]?.key, startedAt: 200 },
    ]);
  });

  test("by a person's order, or leading back, is news alone", () => {
    for (const cause of ["manual", "failback"]) {
      const { firing, alerts } = ringAct(PARTS, {}, intent("a", { cause }), "buyers are led to us", 100);
      expect([firing, alerts.map(({ severity }) => severity)]).toEqual([{}, ["notify"]]);
    }
  });
});

test("an alert fires once, keeps its key, and is resolved under it", () => {
  const parts = { site: "shop", me: "us", runbooks: "docs/runbooks", disagreeFor: 60_000 };
  const first = ring(parts, {}, new Map([["region_held", null]] as const), "hold (takeover): veto", 7, 100);
  const again = ring(parts, first.firing, new Map([["region_held", null]] as const), "hold (takeover): veto", 9, 200);
  const over = ring(parts, again.firing, new Map(), "stay: eu answers", 9, 300);
  expect([first.alerts.map((alert) => alert.state), again.alerts, again.firing === first.firing]).toEqual([["firing"], [], true]);
  expect(over).toMatchObject({ firing: {}, alerts: [{ state: "resolved", key: first.alerts[0]?.key, startedAt: 7, target: "region/us" }] });
});
