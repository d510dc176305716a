import { describe, expect, test } from "vitest";
import { addSample, memoryFor } from "../../src/core/look-window.ts";
import type { LookSample } from "../../src/core/look-window.ts";
import type { Trigger } from "../../src/core/policy.ts";
import type { Scene } from "../../src/core/scene.ts";
import type { Firing } from "../../src/core/trigger.ts";
import { causeOf, evaluate } from "../../src/core/trigger.ts";
import { look } from "../support/notation.ts";
import { after, checkSpec, NOW, scene, web } from "../support/scene.ts";

const FAILS: Trigger = { kind: "fails", check: "page", times: 3 };
const CPU: Trigger = { kind: "sustained", metric: "cpu_usage", over: 70, forMs: 120_000 };
const RATE: Trigger = { kind: "error_rate", check: "page", overPercent: 50 };

function of(run: string, more: Partial<Scene> = {}): Scene {
  return { ...scene([], { targets: web(1) }), checks: new Map([["page@web-1", after(run)]]), ...more };
}

/** Looks every 10 s that end now: a number is a CPU percentage, null a look that broke. */
function cpu(values: readonly (number | null)[]): Scene {
  const samples = values.map((value, index): LookSample => {
    const at = NOW - (values.length - 1 - index) * 10_000;
    return value === null ? { at, level: "unknown", facts: {} } : { at, level: "pass", facts: { cpu_usage: value } };
  });
  return of("...", { looks: new Map([["page@web-1", samples]]) });
}

/** Looks every 5 s that end now. */
function rate(run: string): Scene {
  const levels = { ".": "pass", w: "warn", x: "fail", "?": "unknown" } as const;
  const samples = [...run].map((sign, index): LookSample => ({ at: NOW - (run.length - 1 - index) * 5_000, level: levels[sign as "x"], facts: {} }));
  return of(run, { looks: new Map([["page@web-1", samples]]) });
}

const fires = (trigger: Trigger, at: Scene): readonly string[] => evaluate(trigger, at).map((firing: Firing) => firing.target);

describe("fails 3 consecutive times", () => {
  test.each([
    ["..xx", false, "two are not enough"],
    ["..xxx", true, "three are"],
    ["xx.xx", false, "a pass breaks the run"],
    ["xx?x", true, "an unknown does not"],
    ["xxx?", false, "but nothing is done on a look that broke"],
    ["xxxw", false, "a warning is no failure"],
    ["..!", true, "an exit is the whole run"],
  ])("%s fires: %s, %s", (run, expected) => {
    expect(fires(FAILS, of(run))).toEqual(expected ? ["web-1"] : []);
  });

  test("says since when, by what, and why", () => {
    const state = after("..xxx");
    expect(evaluate(FAILS, of("..xxx"))).toEqual([{ target: "web-1", since: state.failing.since, evidence: ["page"], why: "page failed 3 times in a row: 503" }]);
  });

  test("an inactive check never fires", () => {
    const spec = { ...checkSpec("page", ["web-1"]), inactive: "no gateway" };
    expect(fires(FAILS, of("xxx", { specs: [spec] }))).toEqual([]);
  });
});

describe("cpu_usage > 70% for 2m", () => {
  const high = Array.from({ length: 12 }, () => 90);
  test.each<[string, readonly (number | null)[], boolean]>([
    ["all above for the whole time", high, true],
    ["one look at the bound", [...high.slice(1), 70], false],
    ["one look below, long ago in the window", [50, ...high.slice(1)], false],
    ["before the window it does not matter", [50, ...high], true],
    ["two of twelve looks missing", [null, null, ...high.slice(2)], true],
    ["three of twelve missing are a gap", [null, null, null, ...high.slice(3)], false],
    ["only its last minute was seen", high.slice(6), false],
  ])("%s", (_what, values, expected) => {
    expect(fires(CPU, cpu(values))).toEqual(expected ? ["web-1"] : []);
  });

  test("a burst of fast looks does not fill a gap", () => {
    const samples = Array.from({ length: 12 }, (_, index): LookSample => ({ at: NOW - index * 1_000, level: "pass", facts: { cpu_usage: 95 } }));
    expect(fires(CPU, of("...", { looks: new Map([["page@web-1", samples.toReversed()]]) }))).toEqual([]);
  });
});

describe("error rate > 50%", () => {
  test.each([
    ["xx", false, "two looks are too few"],
    ["xx.", true, "two of three"],
    ["xx..", false, "half"],
    ["xxx..", false, "healthy again: what failed before is over"],
    ["xxx.", true, "not yet healthy again"],
    ["xxx..x", true, "failing again"],
    ["x.x.", false, "a half is not above a half"],
    ["xxw", true, "a warning is a look that did not fail"],
    ["xx??", false, "unknown ones are no looks"],
    ["xxxxxxxx............", false, "older than a minute does not count"],
  ])("%s fires: %s, %s", (run, expected) => {
    expect(fires(RATE, rate(run))).toEqual(expected ? ["web-1"] : []);
  });
});

describe("joined", () => {
  const API: Trigger = { kind: "fails", check: "shopify_api", times: 3 };
  const both = scene(["web-2"], { targets: web(3) });
  const withApi = { ...both, checks: new Map([...both.checks, ["shopify_api@site", after("xxx")]]) };

  test("what is true of the site is true of each target", () => {
    expect(fires({ kind: "and", all: [FAILS, API] }, withApi)).toEqual(["web-2"]);
    expect(fires({ kind: "and", all: [FAILS, API] }, both)).toEqual([]);
  });

  test("or merges the evidence of one target", () => {
    const ids = ["web-1"];
    const two: Scene = { ...of("xxx"), specs: [checkSpec("page", ids), checkSpec("application", ids)], checks: new Map([["page@web-1", after("xxx")], ["application@web-1", after("xxxx")]]) };
    const [firing, ...others] = evaluate({ kind: "or", any: [FAILS, { kind: "fails", check: "application", times: 3 }] }, two);
    expect(others).toEqual([]);
    expect(firing?.evidence).toEqual(["page", "application"]);
  });

  test("a region and a calendar fire for the site", () => {
    expect(fires({ kind: "region", region: "primary" }, of("...", { regions: new Map([["primary", { health: "unhealthy", since: 5 }]]) }))).toEqual(["site"]);
    expect(fires({ kind: "region", region: "primary" }, of("..."))).toEqual([]);
    expect(fires({ kind: "cron", expression: "0 12 * * 1" }, of("..."))).toEqual(["site"]);
    expect(fires({ kind: "cron", expression: "1 12 * * 1" }, of("..."))).toEqual([]);
  });
});

test("the cause is the check's name, or the whole text where an incident may spread", () => {
  expect(causeOf({ trigger: FAILS, triggerText: "t" })).toBe("page");
  expect(causeOf({ trigger: { kind: "or", any: [FAILS, RATE] }, triggerText: "t" })).toBe("t");
});

describe("memory of looks", () => {
  test("is kept where a trigger asks over time, and only the facts asked for", () => {
    expect(memoryFor([FAILS], checkSpec("page", []))).toBeNull();
    const memory = memoryFor([{ kind: "and", all: [FAILS, CPU] }], checkSpec("page", []));
    expect(memory).toEqual({ looks: 61, forMs: 120_000, facts: ["cpu_usage"] });
    const samples: LookSample[] = [];
    addSample(samples, look(".", 5, { cpu_usage: 3, other: 1 }), { looks: 2, forMs: 10, facts: ["cpu_usage"] });
    expect(samples).toEqual([{ at: 5, level: "pass", facts: { cpu_usage: 3 } }]);
  });

  test("is bounded by age and number", () => {
    const samples: LookSample[] = [];
    for (let at = 0; at < 100; at += 1) addSample(samples, look("x", at), { looks: 5, forMs: 3, facts: [] });
    expect(samples.map((sample) => sample.at)).toEqual([97, 98, 99]);
    for (let at = 100; at < 200; at += 1) addSample(samples, look("x", at), { looks: 5, forMs: 1_000, facts: [] });
    expect(samples).toHaveLength(5);
  });
});
