/** A scene over three regions and a witness, calm unless told otherwise. */
import { initialOutside, seeOutside, type OutsideSight, type OutsideView } from "../../src/core/region/outside.ts";
import { DEFAULT_REGION_RULES, type RegionPlan } from "../../src/core/region/region.ts";
import type { OwnState } from "../../src/core/region/fitness.ts";
import type { Heard, RegionReport } from "../../src/core/region/report.ts";
import type { RegionScene } from "../../src/core/region/scene.ts";
import { readStanding } from "../../src/core/region/standing.ts";
import { NO_TRIES } from "../../src/core/region/tries.ts";
import type { Vote } from "../../src/core/region/vote.ts";

export const NOW = 10_000_000;

export const PLAN: RegionPlan = {
  site: "shop",
  regions: ["eu", "us", "ap"].map((name) => ({ name, floor: 2 })),
  witnesses: ["w1"],
  rules: DEFAULT_REGION_RULES,
};

export const WELL: OwnState = { status: "healthy", selling: true, ready: 3, parity: "proven", givesUp: null };

/** `.` rendered, `f` a fresh copy, `c` a copy in the application's place, `x` failed, `?` could not look. */
const SIGHTS: Readonly<Record<string, OutsideSight>> = {
  ".": { kind: "answered", by: "application" },
  f: { kind: "answered", by: "fresh" },
  c: { kind: "answered", by: "copy" },
  x: { kind: "failed", detail: "refused" },
  "?": { kind: "unknown", detail: "no network here" },
};

/** A look every two seconds, the last of them at `end`. */
export function looked(run: string, end: number = NOW, from: OutsideView = initialOutside(0)): OutsideView {
  return [...run].reduce((view, mark, at) => seeOutside(view, SIGHTS[mark] ?? { kind: "unknown", detail: mark }, end - (run.length - 1 - at) * 2_000, DEFAULT_REGION_RULES), from);
}

export const UP = looked("....");
export const DOWN = looked("..xxx");
/** Copies alone for 64 s. */
export const COPIES = looked(`.${"c".repeat(33)}`);

export function heard(region: string, over: Partial<RegionReport> = {}): Heard {
  return { at: NOW, report: { ...WELL, region, outside: "up", mark: null, ...over } };
}

export function entry(leadsTo: string, epoch: number, over: { readonly name?: string; readonly markedFor?: string } = {}) {
  return { name: over.name ?? "shop.example A", leadsTo, mark: { site: "shop", region: over.markedFor ?? leadsTo, epoch, flippedAt: 0 }, foreign: null };
}

/** Where `eu` is led to and well, as the leader of `us` knows it. */
export function scene(over: Partial<RegionScene> = {}): RegionScene {
  const { standing, memory } = readStanding(PLAN, null, [entry("eu", 1)], NOW - 100_000);
  return {
    now: NOW, plan: PLAN, me: "us", leads: true, standing, memory, acknowledged: 0, unsettled: null, tries: NO_TRIES, repairedAt: [],
    views: new Map([["eu", UP], ["us", UP], ["ap", UP]]), heard: new Map([["eu", heard("eu")], ["ap", heard("ap")]]),
    ballot: null, votes: [], own: WELL, sellingSince: NOW - 3_600_000, fitSince: NOW - 3_600_000, incident: null, order: null, ...over,
  };
}

/** The observers' answers about one region, as "ap:down w1:up". */
export function voted(about: string, answers: string, copiesForMs = 0): Pick<RegionScene, "ballot" | "votes"> {
  const votes = answers.split(" ").filter((one) => one !== "").map((one): Vote => {
    const [observer = "", says = ""] = one.split(":");
    return { nonce: "n", observer, about, says: says as Vote["says"], copiesForMs, vetoed: false };
  });
  return { ballot: { nonce: "n", about: [about], askedAt: NOW - 300 }, votes };
}

/** `eu` is down for `us` and for everybody it asks, and its daemon is silent. */
export function lost(over: Partial<RegionScene> = {}): RegionScene {
  return scene({
    views: new Map([["eu", DOWN], ["us", UP], ["ap", UP]]),
    heard: new Map([["eu", null], ["ap", heard("ap")]]),
    ...voted("eu", "ap:down w1:down"),
    incident: { about: "eu", since: NOW - 5_000, parity: "proven", readySince: NOW },
    ...over,
  });
}
