import type { RequestListener, ServerResponse } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import type { Usage } from "../../src/ports/processes.ts";
import { httpProbe } from "../../src/probes/http.ts";
import { freePort, serveHttp, serveTcp } from "../support/faulty-server.ts";
import type { Served } from "../support/faulty-server.ts";
import { aLook, findingOf, lookOnce, prepare } from "./look.ts";

const served: Served[] = [];
afterEach(async () => {
  await Promise.all(served.splice(0).map((one) => one.close()));
});

async function serve(listener: RequestListener): Promise<string> {
  const one = await serveHttp(listener);
  served.push(one);
  return one.url;
}

function json(response: ServerResponse, body: unknown, status = 200, type = "application/json"): void {
  response.writeHead(status, { "content-type": type }).end(JSON.stringify(body));
}

const MISSION = { http_status: "200 OK", response_time: "< 30s", memory_usage: "< 80%", cpu_usage: "< 90%" };

describe("a health route", () => {
  test("that answers 200 with small figures passes, and its figures are facts", async () => {
    const url = await serve((request, response) => json(response, { path: request.url, memory_usage: 41.5, cpu_usage: "12%" }));
    const seen = await lookOnce(httpProbe, { checks: MISSION, endpoint: "/health" }, { url });
    expect(seen).toMatchObject({ kind: "pass", facts: { memory_usage: 41.5, cpu_usage: 12 } });
    expect(findingOf(seen, "memory_usage")).toEqual({ assertion: "memory_usage", level: "pass", observed: "41.5%", expected: "< 80%", source: "body" });
  });

  test("that asks for the endpoint's path on the target", async () => {
    const paths: string[] = [];
    const url = await serve((request, response) => {
      paths.push(`${request.method} ${request.url}`);
      response.end();
    });
    await lookOnce(httpProbe, { endpoint: "/health" }, { url });
    await lookOnce(httpProbe, { endpoint: "/health", settings: { url: `${url}/other`, method: "HEAD" } }, { url });
    expect(paths).toEqual(["GET /health", "HEAD /other"]);
  });

  test("with too much memory warns", async () => {
    const url = await serve((_request, response) => json(response, { memory_usage: "91%", cpu_usage: 3 }));
    expect(await lookOnce(httpProbe, { checks: MISSION }, { url })).toMatchObject({ kind: "warn", cause: "assertion", detail: "memory_usage is 91%, expected < 80%" });
  });

  test("in health+json reports utilisation of its fullest component", async () => {
    const url = await serve((_request, response) =>
      json(response, { status: "pass", checks: { "memory:utilization": [{ observedValue: 40, observedUnit: "percent" }, { observedValue: 85, observedUnit: "percent" }], "cpu:utilization": [{ observedValue: 5 }] } }, 200, "application/health+json"),
    );
    const seen = await lookOnce(httpProbe, { checks: MISSION }, { url });
    expect(findingOf(seen, "memory_usage")).toMatchObject({ level: "warn", observed: "85%" });
    expect(findingOf(seen, "cpu_usage")).toMatchObject({ level: "pass", observed: "5%" });
  });

  test.each([
    ["pass", "pass"],
    ["ok", "pass"],
    ["warn", "warn"],
    ["fail", "fail"],
    ["DOWN", "fail"],
    ["strange", "pass"],
  ])("whose body says %s is taken as %s", async (status, kind) => {
    const url = await serve((_request, response) => json(response, { status }));
    expect((await lookOnce(httpProbe, {}, { url })).kind).toBe(kind);
  });

  test("that reports no figures leaves them unknown, and the rest decides", async () => {
    const url = await serve((_request, response) => response.end("fine"));
    const seen = await lookOnce(httpProbe, { checks: MISSION }, { url });
    expect(seen.kind).toBe("pass");
    expect(findingOf(seen, "cpu_usage")).toMatchObject({ level: "unknown", observed: "not reported; nothing measures it" });
  });

  test("that reports no figures gets those of its process, CPU from the second look on", async () => {
    const url = await serve((_request, response) => response.end("fine"));
    let cpuMs = 0;
    const usage = (): Usage => ({ rssBytes: 900, memoryLimitBytes: 1_000, cpuMs, cpus: 2, source: "cgroup" });
    const probe = prepare(httpProbe, { checks: MISSION }, { url, usage: { read: async () => ({ kind: "usage", usage: usage() }) } });
    const first = await probe.run(aLook());
    cpuMs = 1_000_000;
    const second = await probe.run(aLook({ ordinal: 1 }));
    expect(findingOf(first, "memory_usage")).toMatchObject({ level: "warn", observed: "90%", source: "cgroup" });
    expect(findingOf(first, "cpu_usage")).toMatchObject({ level: "unknown", observed: "needs a second look" });
    expect(findingOf(second, "cpu_usage")).toMatchObject({ level: "warn", source: "cgroup" });
  });
});

describe("answers", () => {
  test.each([
    [500, "fail"],
    [503, "fail"],
    [404, "fail"],
    [302, "pass"],
    [204, "pass"],
  ])("%i without an assertion on the status is %s", async (status, kind) => {
    const url = await serve((_request, response) => response.writeHead(status).end());
    expect((await lookOnce(httpProbe, {}, { url })).kind).toBe(kind);
  });

  test("a wrong status fails by its name", async () => {
    const url = await serve((_request, response) => response.writeHead(503).end());
    expect(await lookOnce(httpProbe, { checks: MISSION }, { url })).toMatchObject({ kind: "fail", cause: "status", detail: "http_status is 503, expected 200 OK" });
  });

  test.each([429, 430])("%i to our own look is no evidence", async (status) => {
    const url = await serve((_request, response) => response.writeHead(status).end());
    expect(await lookOnce(httpProbe, { checks: MISSION }, { url })).toMatchObject({ kind: "unknown", cause: "throttled" });
  });

  test("headers and JSON fields are held against what was asked", async () => {
    const url = await serve((_request, response) => json(response, { db: [{ state: "up", latency: "12ms", queue: 7 }] }));
    const look = (checks: Record<string, string>) => lookOnce(httpProbe, { checks }, { url });
    expect(await look({ "header.content-type": "application/json", "json.db.0.state": "up", "json.db.0.latency": "< 20ms", "json.db.0.queue": "< 10" })).toMatchObject({ kind: "pass" });
    expect(await look({ "header.x-missing": "yes" })).toMatchObject({ kind: "fail", detail: "header.x-missing is absent, expected yes" });
    expect(await look({ "json.db.0.state": "down" })).toMatchObject({ kind: "fail" });
    expect(await look({ "json.db.0.latency": "< 5ms" })).toMatchObject({ kind: "warn" });
    expect(await look({ "json.db.1.state": "up" })).toMatchObject({ kind: "fail", detail: "json.db.1.state is absent, expected up" });
  });

  test("texts that must and must not be there decide over the body", async () => {
    const url = await serve((_request, response) => response.end("all is well"));
    const look = (settings: Record<string, unknown>) => lookOnce(httpProbe, { settings }, { url });
    expect(await look({ must_contain: ["well"], must_not_contain: ["error"] })).toMatchObject({ kind: "pass" });
    expect(await look({ must_contain: ["well", "better"] })).toMatchObject({ kind: "fail", cause: "body", detail: 'must_contain is missing, expected "better"' });
    expect(await look({ must_not_contain: ["well"] })).toMatchObject({ kind: "fail", cause: "body" });
  });

  test("a latency over its fail bound fails, over its warn bound warns", async () => {
    const url = await serve((_request, response) => response.end());
    const look = (response_time: { warn?: string; fail?: string }) => lookOnce(httpProbe, { checks: { response_time } }, { url, load: { busyMs: () => 0 } });
    expect(await look({ warn: "< 0ms", fail: "< 1h" })).toMatchObject({ kind: "warn" });
    expect(await look({ warn: "< 0ms", fail: "< 0ms" })).toMatchObject({ kind: "fail" });
  });

  test("a latency that our own loop may have caused is unknown", async () => {
    const url = await serve((_request, response) => response.end());
    let busy = 0;
    const seen = await lookOnce(httpProbe, { checks: { response_time: "< 0.001ms" } }, { url, load: { busyMs: () => (busy += 60_000) } });
    expect(findingOf(seen, "response_time")).toMatchObject({ level: "unknown" });
    expect(seen.kind).toBe("pass");
  });

  test("every tenth look uses a new connection", async () => {
    const server = await serveHttp((_request, response) => response.end());
    served.push(server);
    const probe = prepare(httpProbe, {}, { url: server.url });
    for (let ordinal = 0; ordinal < 9; ordinal += 1) await probe.run(aLook({ ordinal }));
    expect(server.connections()).toBe(1);
    await probe.run(aLook({ ordinal: 9 }));
    expect(server.connections()).toBe(2);
  });
});

describe("faults", () => {
  test("nobody listening is refused", async () => {
    expect(await lookOnce(httpProbe, {}, { url: `http://127.0.0.1:${await freePort()}` })).toMatchObject({ kind: "fail", cause: "refused" });
  });

  test("silence is a timeout", async () => {
    const url = await serve(() => {});
    expect(await lookOnce(httpProbe, {}, { url }, { deadlineMs: 100 })).toMatchObject({ kind: "fail", cause: "timeout" });
  });

  test("a body that stops early is truncated", async () => {
    const one = await serveTcp((socket) => socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")));
    served.push(one);
    expect(await lookOnce(httpProbe, {}, { url: one.url })).toMatchObject({ kind: "fail", cause: "truncated" });
  });

  test("a target without a URL is a configuration error, not an outage", async () => {
    expect(await lookOnce(httpProbe, {}, {})).toMatchObject({ kind: "unknown", cause: "configuration" });
  });

  test("a look that was called off is no evidence", async () => {
    const url = await serve(() => {});
    const calledOff = new AbortController();
    calledOff.abort();
    expect(await lookOnce(httpProbe, {}, { url }, { signal: calledOff.signal })).toMatchObject({ kind: "unknown", cause: "internal" });
  });

  test("a port that throws is no evidence", async () => {
    const url = await serve((_request, response) => response.end());
    const usage = { read: () => Promise.reject(new Error("broken")) };
    expect(await lookOnce(httpProbe, { checks: { cpu_usage: "< 90%" } }, { url, usage })).toMatchObject({ kind: "unknown", cause: "internal", detail: "broken" });
  });
});
