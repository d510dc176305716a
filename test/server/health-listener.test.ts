import { afterEach, describe, expect, test } from "vitest";
import type { Reach } from "../../src/core/reach.ts";
import type { Snapshot } from "../../src/core/snapshot.ts";
import { readHealthBody } from "../../src/probes/health-body.ts";
import { healthListener, type HealthParts } from "../../src/server/health-listener.ts";
import { knownToken } from "../../src/server/tokens.ts";
import { lookOf, NOW, outage, wellbeing } from "./fake-control.ts";

const PEER = "token-of-a-peer";
const opened: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

function ask(state: Snapshot, over: Partial<HealthParts> = {}) {
  const troubles: string[] = [];
  const app = healthListener({
    snapshot: () => state,
    published: new Map([["/health/shopify", "shopify_api"], ["/health/application", "application"]]),
    readiness: () => ({ ready: true, reason: "the gateway listens" }),
    started: () => true,
    gateway: () => ({ copies: 7, lastGoodMsAgo: 1_500 }),
    metrics: () => Promise.resolve({ text: "up 1\n", contentType: "text/plain; version=0.0.4; charset=utf-8" }),
    peers: [knownToken("peer", "viewer", PEER)],
    version: "1.2.3",
    reach: null,
    region: () => null, lostElsewhere: async () => null,
    trouble: (detail) => troubles.push(detail),
    ...over,
  });
  opened.push(app);
  const get = async (url: string, token?: string) => {
    const answer = await app.inject({ url, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
    return { status: answer.statusCode, type: String(answer.headers["content-type"]), headers: answer.headers, body: answer.body.startsWith("{") ? answer.json() : answer.body };
  };
  return { get, troubles };
}

describe("GET /health", () => {
  test.each([
    ["healthy", 200, "pass"],
    ["degraded", 200, "warn"],
    ["unknown", 200, "warn"],
    ["unhealthy", 503, "fail"],
  ] as const)("a site that is %s answers %d and %s, as health+json that nobody stores", async (status, code, word) => {
    const answer = await ask(wellbeing({ status })).get("/health");
    expect(answer.status).toBe(code);
    expect(answer.type).toBe("application/health+json; charset=utf-8");
    expect(answer.headers["cache-control"]).toBe("no-store");
    expect(answer.body).toEqual({ status: word });
  });

  test.each([["/health", "fail"], ["/health/application", "fail"], ["/health/ready", "pass"], ["/health/region", "fail"]])("%s tells a stranger a status word and nothing else", async (path, word) => {
    const { get } = ask(outage());
    expect((await get(path)).body).toEqual({ status: word });
    expect((await get(path, "another-token")).body).toEqual({ status: word });
  });

  test("tells a peer everything: version, causes, each look with time, duration and what was wrong", async () => {
    const { body, status } = await ask(outage()).get("/health", PEER);
    expect(status).toBe(503);
    expect(body).toMatchObject({ status: "fail", version: "1.2.3", serviceId: "my-shop", notes: ["application at app is unhealthy"] });
    expect(body).toMatchObject({ verdict: "unhealthy", ready: true, copies: 7, lastGoodMsAgo: 1_500 });
    expect(body.breakers).toEqual([{ name: "ingress:app", state: "open", since: NOW - 180_000 }, { name: "egress:storefront", state: "closed", since: NOW - 3_600_000 }]);
    expect(body.checks.application).toEqual([
      {
        componentId: "app", componentType: "component", status: "fail", time: "2026-11-22T19:59:58.000Z", observedValue: 3, observedUnit: "ms", output: "connect ECONNREFUSED 127.0.0.1:3000",
        verdict: "unhealthy", run: { level: "pass", count: 12, since: NOW - 3_600_000 }, seen: "fail", cause: "refused", at: NOW - 2_000, facts: {},
      },
    ]);
    expect(body.checks.dependencies).toEqual([{ componentId: "site", componentType: "component", status: "pass", output: "inactive: no redis: in shopkeeper.yaml", verdict: "healthy", inactive: "no redis: in shopkeeper.yaml" }]);
    expect(body.checks.shopify_api[0].status).toBe("warn");
  });

  test("tells a peer memory and CPU under the draft's names, as bad as the look found them", async () => {
    const finding = { assertion: "memory_usage", level: "warn", observed: "91%", expected: "< 80%" } as const;
    const last = { kind: "warn", at: NOW, tookMs: 5, findings: [finding], facts: { cpu_usage: 12, memory_usage: 91, response_time: 5 }, cause: "assertion", detail: "memory_usage 91%, expected < 80%" } as const;
    const { body } = await ask(wellbeing({ looks: [lookOf("application", "app", { verdict: "degraded", last })] })).get("/health", PEER);
    const entry = { componentId: "app", componentType: "system", time: "2026-11-22T20:00:00.000Z", observedUnit: "percent" };
    expect(body.checks["cpu:utilization"]).toEqual([{ ...entry, status: "pass", observedValue: 12 }]);
    expect(body.checks["memory:utilization"]).toEqual([{ ...entry, status: "warn", observedValue: 91 }]);
    expect(readHealthBody(body)).toEqual({ memoryPercent: 91, cpuPercent: 12, status: "pass" });
  });

  test("of several regions this one's own verdict is told, whatever a sick pod makes of the site", async () => {
    const region = (lost: string | null) => ask(outage(), { region: () => ({ lost: () => lost }) });
    expect(await region(null).get("/health/region")).toMatchObject({ status: 200, body: { status: "pass" } });
    expect(await region("it has no instance left").get("/health/region")).toMatchObject({ status: 503, body: { status: "fail" } });
    expect((await region("it has no instance left").get("/health/region", PEER)).body).toEqual({ status: "fail", notes: ["it has no instance left"] });
  });

  test.each<[string, boolean | null, number, string]>([
    ["is lost", true, 503, "fail"],
    ["is well", false, 200, "pass"],
    ["is not known to anybody: the site's own word", null, 503, "fail"],
  ])("one that does not act tells what the one that acts says: the region %s", async (_what, lost, status, word) => {
    const { get } = ask(outage(), { lostElsewhere: async () => lost });
    expect(await get("/health/region")).toMatchObject({ status, body: { status: word } });
  });

  test("readiness is told beside the status, since neither tells the other", async () => {
    const { get } = ask(outage(), { readiness: () => ({ ready: false, reason: "the fault is this pod's own" }), gateway: () => ({ copies: 3, lastGoodMsAgo: null }) });
    expect((await get("/health", PEER)).body).toMatchObject({ verdict: "unhealthy", ready: false, copies: 3 });
    expect((await get("/health/region", PEER)).body).toMatchObject({ verdict: "unhealthy", ready: false });
  });
});

describe("GET /health/{check}", () => {
  test("answers by the path it is published under, and by its name", async () => {
    const { get } = ask(outage());
    expect((await get("/health/shopify")).body).toEqual({ status: "warn" });
    expect((await get("/health/shopify_api")).body).toEqual({ status: "warn" });
    expect(await get("/health/application")).toMatchObject({ status: 503, body: { status: "fail" } });
  });

  test("the worst of its targets decides; an inactive one passes", async () => {
    const looks = [lookOf("application", "a"), lookOf("application", "b", { verdict: "degraded" }), lookOf("application", "c", { inactive: "not here" })];
    expect((await ask(wellbeing({ looks })).get("/health/application")).body).toEqual({ status: "warn" });
  });

  test("a look that has not been made yet says so, without a time", async () => {
    const state = wellbeing({ looks: [lookOf("application", "app", { last: null, verdict: "unknown" })] });
    expect((await ask(state).get("/health/application", PEER)).body.checks.application[0]).toEqual({ componentId: "app", componentType: "component", status: "warn", output: "no look yet", verdict: "unknown" });
  });

  test("one that is not there is 404 as problem+json", async () => {
    const answer = await ask(outage()).get("/health/nothing");
    expect(answer).toMatchObject({ status: 404, type: "application/problem+json; charset=utf-8", body: { code: "NOT_FOUND", status: 404, detail: "no check is published at /health/nothing" } });
  });
});

describe("GET /health/live, /ready, /startup", () => {
  test("live passes whatever the site is: it speaks for this process", async () => {
    expect(await ask(outage()).get("/health/live")).toMatchObject({ status: 200, body: { status: "pass" } });
  });

  test("ready follows readiness; the reason is for peers", async () => {
    const { get } = ask(outage(), { readiness: () => ({ ready: false, reason: "there is no stored page to serve" }) });
    expect(await get("/health/ready")).toMatchObject({ status: 503, body: { status: "fail" } });
    expect((await get("/health/ready", PEER)).body).toEqual({ status: "fail", notes: ["there is no stored page to serve"] });
  });

  test("startup fails until it has started", async () => {
    expect((await ask(wellbeing(), { started: () => false }).get("/health/startup")).status).toBe(503);
    expect((await ask(wellbeing()).get("/health/startup")).status).toBe(200);
  });
});

describe("the rest of the listener", () => {
  test("/metrics has the text and its content type", async () => {
    expect(await ask(wellbeing()).get("/metrics")).toMatchObject({ status: 200, type: "text/plain; version=0.0.4; charset=utf-8", body: "up 1\n" });
  });

  test("an unknown path is 404 as problem+json; nothing can be written", async () => {
    const { get } = ask(wellbeing());
    expect(await get(`/${"x".repeat(500)}`)).toMatchObject({ status: 404, type: "application/problem+json; charset=utf-8" });
    expect(JSON.stringify((await get(`/${"x".repeat(500)}`)).body).length).toBeLessThan(400);
    const app = healthListener({ snapshot: () => wellbeing(), published: new Map(), readiness: () => ({ ready: true, reason: "" }), started: () => true, gateway: () => ({ copies: 0, lastGoodMsAgo: null }), metrics: () => Promise.reject(new Error("never asked")), peers: [], version: "", reach: null, region: () => null, lostElsewhere: async () => null, trouble: () => undefined });
    opened.push(app);
    expect((await app.inject({ method: "POST", url: "/health" })).statusCode).toBe(404);
  });

  test("an error of ours is told to the log, not to the asker", async () => {
    const { get, troubles } = ask(wellbeing(), { metrics: () => Promise.reject(new Error("registry of the test is broken")) });
    const answer = await get("/metrics");
    expect(answer).toMatchObject({ status: 500, body: { code: "INTERNAL" } });
    expect(JSON.stringify(answer.body)).not.toContain("registry");
    expect(troubles).toEqual([expect.stringContaining("registry of the test is broken")]);
  });

  test("without a peer token nobody sees details", async () => {
    expect((await ask(outage(), { peers: [] }).get("/health", PEER)).body).toEqual({ status: "fail" });
  });
});

describe("GET /health/peers/{address}", () => {
  const REACHES: Readonly<Record<string, Reach>> = { "10.0.0.2": { kind: "reached" }, "10.0.0.3": { kind: "not_reached", cause: "timeout" }, "fd00::4": { kind: "unknown", why: "busy" } };
  const reach = async (address: string): Promise<Reach> => REACHES[address] ?? { kind: "stranger" };

  test.each([["10.0.0.2", { reached: true }], ["10.0.0.3", { reached: false, cause: "timeout" }], ["fd00%3A%3A4", { reached: null, cause: "busy" }]])("tells a peer whether this one reaches %s", async (address, expected) => {
    expect(await ask(wellbeing(), { reach }).get(`/health/peers/${address}`, PEER)).toMatchObject({ status: 200, body: expected });
  });

  test("looks at nobody for a stranger, at no stranger for a peer, and at nobody where there are no siblings", async () => {
    const asked: string[] = [];
    const { get } = ask(wellbeing(), { reach: (address) => (asked.push(address), reach(address)) });
    expect((await get("/health/peers/10.0.0.2")).status).toBe(401);
    expect(asked).toEqual([]);
    expect((await get("/health/peers/169.254.169.254", PEER)).status).toBe(404);
    expect((await ask(wellbeing()).get("/health/peers/10.0.0.2", PEER)).status).toBe(404);
  });
});
