import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseSidecarReport, type ReportedLook, type SidecarReport } from "../../src/core/sidecar-report.ts";
import { siteBody, type Standing } from "../../src/server/health-body.ts";
import { lookOf, NOW, outage, wellbeing } from "../server/fake-control.ts";

const STANDING: Standing = { version: "1.2.3", ready: true, copies: 7, lastGoodMsAgo: 1_500 };

/** As it crosses the wire. */
function told(state = outage(), standing: Standing | null = STANDING): Record<string, unknown> {
  return JSON.parse(JSON.stringify(siteBody(state, standing))) as Record<string, unknown>;
}

function read(json: unknown): SidecarReport {
  const reading = parseSidecarReport(json);
  if (reading.kind === "refused") throw new Error(reading.why);
  return reading.report;
}

function look(report: SidecarReport, check: string): ReportedLook | undefined {
  return report.looks.find((one) => one.check === check);
}

describe("what a sidecar tells, read back", () => {
  test("status, readiness, copies, the last good page, version and breakers", () => {
    const { looks, ...rest } = read(told());
    expect(looks.map((one) => one.check)).toEqual(["application", "page", "shopify_api", "dependencies"]);
    expect(rest).toEqual({
      status: "unhealthy", ready: true, copies: 7, lastGoodMsAgo: 1_500, version: "1.2.3",
      breakers: [{ name: "ingress:app", state: "open", since: NOW - 180_000 }, { name: "egress:storefront", state: "closed", since: NOW - 3_600_000 }],
    });
  });

  test.each<[string, unknown, number | null]>([
    ["just now", told(outage(), { ...STANDING, lastGoodMsAgo: 0 }), 0],
    ["never", told(outage(), { ...STANDING, lastGoodMsAgo: null }), null],
    ["an older sidecar, which does not tell", { ...told(), lastGoodMsAgo: undefined }, null],
    ["before it began", { ...told(), lastGoodMsAgo: -1 }, null],
    ["in words", { ...told(), lastGoodMsAgo: "1s" }, null],
  ])("a good page seen %s", (_when, json, expected) => {
    expect(read(json).lastGoodMsAgo).toBe(expected);
  });

  test("a failing look has its run, cause, words and time", () => {
    const run = { level: "fail", count: 4, since: NOW - 180_000 } as const;
    const failing = lookOf("application", "app", { verdict: "unhealthy", run, last: { kind: "fail", at: NOW - 2_000, tookMs: 3, findings: [], facts: { response_time: 3 }, cause: "refused", detail: "connect ECONNREFUSED" } });
    expect(look(read(told(wellbeing({ looks: [failing] }))), "application")).toEqual({
      check: "application", target: "app", verdict: "unhealthy", inactive: null, run, seen: "fail", cause: "refused", detail: "connect ECONNREFUSED", at: NOW - 2_000, facts: { response_time: 3 },
    });
  });

  test("what is not looked at, was not looked at yet, or could not be, is each told apart", () => {
    const blind = lookOf("page", "app", { run: null, last: { kind: "unknown", at: NOW, tookMs: 1, cause: "throttled", detail: "429" } });
    const fresh = lookOf("application", "app", { verdict: "unknown", run: null, last: null });
    const report = read(told(wellbeing({ looks: [blind, fresh, lookOf("redis", "site", { inactive: "no redis", last: null })] })));
    expect(look(report, "page")).toMatchObject({ seen: "unknown", cause: "throttled", detail: "429", at: NOW, run: null, facts: {} });
    expect(look(report, "application")).toMatchObject({ verdict: "unknown", seen: null, cause: null, at: null, run: null });
    expect(look(report, "redis")).toMatchObject({ inactive: "no redis", detail: "", seen: null });
  });

  test("measured facts come with their look; the draft's entries for them are no looks", () => {
    const measured = lookOf("application", "app", { last: { kind: "pass", at: NOW, tookMs: 9, findings: [], facts: { cpu_usage: 71.5, memory_usage: 40 } } });
    const body = told(wellbeing({ looks: [measured] }));
    expect(Object.keys(body["checks"] as object)).toEqual(["application", "cpu:utilization", "memory:utilization"]);
    expect(read(body).looks).toHaveLength(1);
    expect(look(read(body), "application")?.facts).toEqual({ cpu_usage: 71.5, memory_usage: 40 });
  });
});

describe("what is refused", () => {
  const many = (count: number): unknown[] => Array.from({ length: count }, (_, at) => ({ componentId: `t${at}`, verdict: "healthy" }));
  test.each<[string, unknown, string]>([
    ["text", "all is well", "not_json_object"],
    ["a list", [], "not_json_object"],
    ["nothing", undefined, "not_json_object"],
    ["status words only", told(outage(), null), "no_details"],
    ["a sidecar that does not tell whether it is ready", { ...told(), ready: undefined }, "no_details"],
    ["a readiness that is a word", { ...told(), ready: "yes" }, "malformed"],
    ["half a copy", { ...told(), copies: 0.5 }, "malformed"],
    ["checks in a list", { ...told(), checks: [] }, "malformed"],
    ["breakers in an object", { ...told(), breakers: {} }, "malformed"],
    ["looks without end", { ...told(), checks: { application: many(513) } }, "too_large"],
    ["checks without end", { ...told(), checks: Object.fromEntries(many(257).map((_, at) => [`c${at}`, []])) }, "too_large"],
  ])("%s", (_what, json, code) => {
    expect(parseSidecarReport(json)).toMatchObject({ kind: "refused", code });
  });
});

describe("what another version tells", () => {
  test("fields and words that are not known here do no harm", () => {
    const body = { ...told(), verdict: "splendid", moon: "full", breakers: [{ name: "ingress:app", state: "ajar", since: 1 }, 7] };
    const checks = { application: [{ componentId: "app", verdict: "splendid", run: { level: "great", count: 1, since: 2 }, seen: "maybe", facts: { cpu_usage: "71", load: 2, endless: null }, mood: "good" }, { verdict: "unhealthy" }, null], page: "fine" };
    expect(read({ ...body, checks })).toMatchObject({
      status: "unknown", breakers: [],
      looks: [{ check: "application", target: "app", verdict: "unknown", run: null, seen: null, cause: null, detail: "", at: null, facts: { load: 2 } }],
    });
    expect(read({ ...body, checks }).looks).toHaveLength(1);
  });

  test("texts are cut, facts counted", () => {
    const facts = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`fact${at}`, at]));
    const report = read({ ...told(), version: "v".repeat(1_000), checks: { page: [{ componentId: "app", verdict: "unhealthy", output: "o".repeat(9_000), facts }] } });
    expect(report.version.length).toBeLessThan(130);
    expect(report.looks[0]?.detail).toHaveLength(501);
    expect(Object.keys(report.looks[0]?.facts ?? {})).toHaveLength(32);
  });

  test("no JSON makes it throw, and what it reads it reads the same once more", () => {
    const anything = fc.oneof(
      fc.jsonValue(),
      fc.record({ ready: fc.boolean(), copies: fc.nat(), checks: fc.dictionary(fc.string(), fc.jsonValue()), verdict: fc.jsonValue(), breakers: fc.array(fc.jsonValue()) }),
    );
    fc.assert(
      fc.property(anything, (json) => {
        const reading = parseSidecarReport(json);
        expect(parseSidecarReport(json)).toEqual(reading);
        if (reading.kind === "report") expect(reading.report.looks.length).toBeLessThanOrEqual(512);
      }),
    );
  });
});
