import { Writable } from "node:stream";
import pino from "pino";
import { Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { createEngineMetrics, METRICS } from "../../src/adapters/metrics.ts";
import { eventRecorder } from "../../src/adapters/event-recorder.ts";
import type { Alert } from "../../src/core/alert.ts";
import { WORKER_LOSSES } from "../../src/core/gateway-view.ts";
import type { Intent, IntentState } from "../../src/core/intent.ts";
import type { Observation } from "../../src/core/observation.ts";
import type { Decision, Proposal } from "../../src/core/proposal.ts";
import type { Events } from "../../src/ports/events.ts";
import { CACHE_RESULTS, DURATION_BUCKETS_SECONDS, GATEWAY_EVENTS, STALE_BUCKETS_SECONDS } from "../../src/gateway/telemetry-layout.ts";
import type { GatewayCounters } from "../../src/gateway/telemetry-reader.ts";
import { metricsText } from "../../src/roles/gateway-metrics.ts";
import { breakerOf, NOW } from "../server/fake-control.ts";
import { look } from "../support/notation.ts";
import { parseExposition, type Family } from "./exposition.ts";

const PROPOSAL: Proposal = {
  policy: "pod_restart", action: "restart_pod", remedy: "restart_process", target: "app", workload: "app", cause: "application", evidence: ["application"], since: NOW,
  why: "application failed 3 times", destructive: true, gone: false, precondition: { kind: "none" }, params: {},
};

function intentIn(state: IntentState): Intent {
  return { id: "a-1", proposal: PROPOSAL, attempt: 1, recordedAt: NOW, verifyWithin: 60_000, who: "shopkeeper", state };
}

const ALERT: Alert = { key: "k", state: "firing", severity: "page", site: "my-shop", target: "app", reason: "check_unhealthy", summary: "application is unhealthy", startedAt: NOW, at: NOW, runbook: "", details: {} };

const ACT: Decision = { kind: "act", proposal: PROPOSAL, attempt: 1, verifyWithin: 60_000 };
const HOLD: Decision = { kind: "hold", proposal: PROPOSAL, guard: "cooldown", reason: "restarted 40s ago", until: NOW + 1 };

type Line = { readonly level: number; readonly event: string; readonly msg: string };

function record(counted: Partial<GatewayCounters> = {}) {
  const registry = new Registry();
  const lines: Line[] = [];
  const out = new Writable({ write: (chunk: Buffer, _encoding, done) => (lines.push(JSON.parse(chunk.toString()) as Line), done()) });
  const metrics = createEngineMetrics(registry);
  const events = eventRecorder(pino({ level: "debug", base: {} }, out), metrics);
  const families = async (): Promise<ReadonlyMap<string, Family>> => parseExposition((await metricsText(registry, counters(counted), "my-shop")).text);
  const value = async (name: string, labels: Readonly<Record<string, string>>): Promise<number | undefined> =>
    (await families()).get(name)?.samples.find((sample) => sample.name === name && Object.entries(labels).every(([key, text]) => sample.labels[key] === text))?.value;
  return { events, lines, metrics, families, value };
}

function counters(over: Partial<GatewayCounters> = {}): GatewayCounters {
  const events = Object.fromEntries(GATEWAY_EVENTS.map((event) => [event, 0])) as GatewayCounters["events"];
  return {
    requests: [{ route: "catalogue", method: "GET", status: "200", count: 7 }, { route: 'odd"\\\nname', method: "POST", status: "5xx", count: 1 }],
    durations: [{ route: "catalogue", counts: [1, 0, 2, 0, 0, 3, 0, 0, 0, 0, 0, 1], sumSeconds: 12.5 }],
    cache: CACHE_RESULTS.map((result, index) => ({ route: "catalogue", result, count: index })),
    events,
    staleAge: { counts: [0, 1, 1, 0, 0, 0, 2], sumSeconds: 90_000 },
    bytesSent: 0,
    serving: 0,
    ...over,
  };
}

/** Every event once, as the engine tells them. */
const TOLD: Readonly<Record<keyof Events, (events: Events) => void>> = {
  observed: (events) => events.observed({ key: "application@app", check: "application", target: "app", seen: look("x", NOW), verdict: "unhealthy" }),
  verdictChanged: (events) => events.verdictChanged({ at: NOW, key: "application@app", check: "application", target: "app", from: "healthy", to: "unhealthy", since: NOW, seen: look("x", NOW), suppressedBy: null }),
  statusChanged: (events) => events.statusChanged({ at: NOW, from: "healthy", to: "unhealthy", causes: [{ key: "application@app", check: "application", target: "app", verdict: "unhealthy", since: NOW }] }),
  flappingChanged: (events) => events.flappingChanged({ at: NOW, key: "application@app", check: "application", target: "app", flapping: true, percent: 35 }),
  decided: (events) => events.decided({ at: NOW, decision: HOLD, repeated: false }),
  acted: (events) => events.acted({ at: NOW, intent: intentIn({ phase: "uncertain", endedAt: NOW, reason: "no answer" }), tookMs: 12 }),
  verified: (events) => events.verified({ at: NOW, intent: intentIn({ phase: "verified", doneAt: NOW, verifiedAt: NOW }) }),
  alerted: (events) => events.alerted({ at: NOW, route: "on_call", alert: ALERT, delivery: { kind: "failed", detail: "connect ECONNREFUSED" } }),
  breakerChanged: (events) => events.breakerChanged({ at: NOW, breaker: breakerOf({ effective: "half_open" }), why: "the pulse is back" }),
  quarantineChanged: (events) => events.quarantineChanged({ at: NOW, target: "app", requestClass: "GET product cart", quarantined: true, why: "in flight at two deaths of the application", total: 2 }),
  workerLost: (events) => events.workerLost({ at: NOW, worker: 3, loss: "stuck", detail: "its loop did not turn for 5000 ms" }),
  commanded: (events) => events.commanded({ at: NOW, who: "ada", command: "pause", target: "site", text: "paused everything for 30m: deploy" }),
  connectivityChanged: (events) => events.connectivityChanged({ at: NOW, lostSince: NOW }),
  troubled: (events) => events.troubled({ at: NOW, where: "ledger", detail: "disk full" }),
};

describe("metrics", () => {
  test("every metric appears after what it counts, with the help, the labels and nothing else", async () => {
    const { events, metrics, families } = record();
    for (const tell of Object.values(TOLD)) tell(events);
    metrics.leader(true);
    metrics.loopDelay(15);
    const exported = await families();
    expect([...exported.keys()].toSorted()).toEqual(Object.keys(METRICS).toSorted());
    for (const [name, { help, labels }] of Object.entries(METRICS)) {
      const family = exported.get(name);
      const labelSets = new Set((family?.samples ?? []).map((sample) => Object.keys(sample.labels).filter((label) => label !== "le").toSorted().join(",")));
      expect({ name, help: family?.help, labelSets: [...labelSets] }).toEqual({ name, help, labelSets: [[...labels].toSorted().join(",")] });
    }
  });

  test("a check stands where the worst of its targets stands; unknown only where nothing is known", async () => {
    const { events, value } = record();
    const see = (target: string, verdict: "healthy" | "degraded" | "unhealthy" | "unknown"): void =>
      events.observed({ key: `application@${target}`, check: "application", target, seen: look(".", NOW), verdict });
    const steps: readonly (readonly ["a" | "b", "healthy" | "degraded" | "unhealthy" | "unknown", number])[] = [["a", "unknown", 3], ["b", "healthy", 0], ["a", "unhealthy", 2], ["a", "degraded", 1], ["a", "healthy", 0], ["b", "unknown", 0]];
    for (const [target, verdict, expected] of steps) {
      see(target, verdict);
      expect(await value("shopkeeper_check_status", { check: "application" })).toBe(expected);
    }
  });

  test("repeated decisions are counted and said once; a hold's reason is its guard", async () => {
    const { events, lines, value } = record();
    events.decided({ at: NOW, decision: HOLD, repeated: false });
    events.decided({ at: NOW, decision: HOLD, repeated: true });
    events.decided({ at: NOW, decision: ACT, repeated: false });
    events.decided({ at: NOW, decision: { kind: "escalate", proposal: PROPOSAL, guard: "ladder", alert: "on_call", reason: "5 failed" }, repeated: false });
    expect(await value("shopkeeper_decisions_total", { policy: "pod_restart", decision: "hold", reason: "cooldown" })).toBe(2);
    expect(await value("shopkeeper_decisions_total", { decision: "act" })).toBe(1);
    expect(await value("shopkeeper_decisions_total", { decision: "escalate" })).toBe(1);
    expect(lines.map((line) => line.msg)).toEqual([
      "pod_restart: restart_process of app held by cooldown: restarted 40s ago; application failed 3 times",
      "pod_restart: restart_process of app, attempt 1; application failed 3 times",
      "pod_restart: restart_process of app given up, on_call is told: 5 failed; application failed 3 times",
    ]);
  });

  test("an action is counted by what became of it, not while it is intended", async () => {
    const { events, value } = record();
    events.acted({ at: NOW, intent: intentIn({ phase: "intended" }), tookMs: 0 });
    expect(await value("shopkeeper_actions_total", {})).toBeUndefined();
    events.acted({ at: NOW, intent: intentIn({ phase: "awaiting_verification", doneAt: NOW, verifyBy: NOW, effect: {} }), tookMs: 5 });
    events.verified({ at: NOW, intent: intentIn({ phase: "not_verified", doneAt: NOW, endedAt: NOW, reason: "still failing" }) });
    expect(await value("shopkeeper_actions_total", { action: "restart_process", outcome: "awaiting_verification" })).toBe(1);
    expect(await value("shopkeeper_actions_total", { action: "restart_process", outcome: "not_verified" })).toBe(1);
  });

  test("the classes not forwarded are a level, the workers lost a count of each reason, none of which is missing", async () => {
    const { events, value } = record();
    TOLD.quarantineChanged(events);
    expect(await value("shopkeeper_quarantined_classes", {})).toBe(2);
    events.quarantineChanged({ at: NOW, target: "app", requestClass: "GET product cart", quarantined: false, why: "the Storefront API is healthy", total: 0 });
    expect(await value("shopkeeper_quarantined_classes", {})).toBe(0);
    TOLD.workerLost(events);
    const counts = WORKER_LOSSES.map((reason) => value("shopkeeper_gateway_workers_lost_total", { reason }));
    expect(await Promise.all(counts)).toEqual(WORKER_LOSSES.map((reason) => (reason === "stuck" ? 1 : 0)));
  });

  test("answers of the CDN add up over its checks; a look that tells of none, or is unknown, adds nothing", async () => {
    const { events, value } = record();
    const see = (check: string, seen: Observation): void => events.observed({ key: `${check}@site`, check, target: "site", seen, verdict: "healthy" });
    const told = (facts: Readonly<Record<string, number>>): Observation => ({ kind: "pass", at: NOW, tookMs: 5, findings: [], facts });
    expect([await value("cdn_requests_total", {}), await value("cdn_cache_hits", {})]).toEqual([0, 0]);
    see("cdn", told({ cdn_requests: 4, cdn_cache_hits: 3, hit_rate: 75 }));
    see("images", told({ cdn_requests: 2, cdn_cache_hits: 0 }));
    see("application", told({ response_time: 12 }));
    see("cdn", { kind: "unknown", at: NOW, tookMs: 5, cause: "throttled", detail: "429" });
    expect([await value("cdn_requests_total", {}), await value("cdn_cache_hits", {})]).toEqual([6, 3]);
  });

  test("the loop's delay is in seconds, and never below zero", async () => {
    const { metrics, value } = record();
    metrics.loopDelay(15);
    expect(await value("shopkeeper_event_loop_delay_seconds", {})).toBe(0.015);
    metrics.loopDelay(-20);
    expect(await value("shopkeeper_event_loop_delay_seconds", {})).toBe(0);
  });
});

describe("the gateway's counters", () => {
  test("durations and ages are cumulative histograms that end at the count", async () => {
    const families = await record().families();
    const durations = families.get("http_request_duration_seconds")?.samples ?? [];
    const buckets = durations.filter((sample) => sample.name.endsWith("_bucket"));
    expect(buckets.map((sample) => sample.labels["le"])).toEqual([...DURATION_BUCKETS_SECONDS.map(String), "+Inf"]);
    expect(buckets.map((sample) => sample.value)).toEqual([1, 1, 3, 3, 3, 6, 6, 6, 6, 6, 6, 7]);
    expect(durations.find((sample) => sample.name.endsWith("_count"))?.value).toBe(7);
    expect(durations.find((sample) => sample.name.endsWith("_sum"))?.value).toBe(12.5);
    const ages = (families.get("shopkeeper_stale_age_seconds")?.samples ?? []).filter((sample) => sample.name.endsWith("_bucket"));
    expect(ages.map((sample) => [sample.labels["le"], sample.value])).toEqual([...STALE_BUCKETS_SECONDS.map(String), "+Inf"].map((le, at) => [le, [0, 1, 2, 2, 2, 2, 4][at]]));
  });

  test("every event is there from the start, under its own name", async () => {
    const { families } = record({ events: { ...counters().events, fill_failed: 3, served_on_failure: 2 } });
    const samples = (await families()).get("shopkeeper_gateway_events_total")?.samples ?? [];
    expect(Object.fromEntries(samples.map(({ labels, value }) => [labels["event"], value]))).toEqual({
      fill_started: 0, fill_stored: 0, fill_rejected: 0, fill_failed: 3, coalesced: 0, bypassed: 0, quarantine_refused: 0, served_quarantined: 0,
      served_breaker_open: 0, served_storefront_open: 0, served_on_failure: 2, upgrade: 0, client_gone: 0,
    });
  });

  test("odd names are escaped and come back as they are; rows of zero are left out", async () => {
    const families = await record().families();
    expect(families.get("http_requests_total")?.samples.map((sample) => [sample.labels, sample.value])).toEqual([
      [{ app: "my-shop", method: "GET", route: "catalogue", status: "200" }, 7],
      [{ app: "my-shop", method: "POST", route: 'odd"\\\nname', status: "5xx" }, 1],
    ]);
    expect(families.get("shopkeeper_cache_requests_total")?.samples).toHaveLength(CACHE_RESULTS.length - 1);
  });

  test("without a gateway the engine's own are all", async () => {
    const registry = new Registry();
    createEngineMetrics(registry);
    const { text, contentType } = await metricsText(registry, null, "my-shop");
    expect(contentType).toContain("version=0.0.4");
    const names = [...parseExposition(text).keys()];
    expect(names.filter((name) => !name.startsWith("shopkeeper_"))).toEqual(["cdn_requests_total", "cdn_cache_hits"]);
  });
});

describe("the event recorder", () => {
  test.each([
    ["verdictChanged", 40, "verdict", /^application at app is unhealthy: /],
    ["statusChanged", 40, "status", /^site is unhealthy: application at app$/],
    ["flappingChanged", 40, "flapping", /^application at app is flapping: its actions are frozen$/],
    ["decided", 30, "decision", /^pod_restart: restart_process of app held by cooldown/],
    ["acted", 50, "action", /^restart_process of app: uncertain; application failed 3 times$/],
    ["verified", 30, "verification", /^restart_process of app: verified$/],
    ["alerted", 40, "alert", /^alert to on_call failed: application is unhealthy; connect ECONNREFUSED$/],
    ["breakerChanged", 30, "breaker", /^breaker ingress:app is half_open: the pulse is back$/],
    ["quarantineChanged", 40, "quarantine", /^"GET product cart" is not forwarded for now: in flight at two deaths of the application$/],
    ["workerLost", 50, "gateway", /^a worker of the gateway stood still and is replaced: its loop did not turn for 5000 ms$/],
    ["commanded", 30, "command", /^paused everything for 30m: deploy$/],
    ["connectivityChanged", 40, "connectivity", /unknown$/],
    ["troubled", 50, "trouble", /^ledger: disk full$/],
  ] as const)("%s is one line at level %d", (name, level, event, text) => {
    const { events, lines } = record();
    TOLD[name](events);
    expect(lines).toEqual([expect.objectContaining({ level, event, msg: expect.stringMatching(text) })]);
  });

  test("looks are never logged: they come many times a second", () => {
    const { events, lines } = record();
    TOLD.observed(events);
    expect(lines).toEqual([]);
  });

  test("what comes from outside is cut to a bounded line", () => {
    const { events, lines } = record();
    events.troubled({ at: NOW, where: "alerts", detail: "x".repeat(100_000) });
    expect(lines[0]?.msg.length).toBeLessThan(1_100);
  });
});
