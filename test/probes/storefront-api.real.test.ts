import type { IncomingHttpHeaders, RequestListener, ServerResponse } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import type { StorefrontConfig } from "../../src/config/config.ts";
import { Secret } from "../../src/config/secret.ts";
import { storefrontApiProbe } from "../../src/probes/storefront-api.ts";
import { freePort, serveHttp, serveTcp } from "../support/faulty-server.ts";
import type { Served } from "../support/faulty-server.ts";
import { aLook, findingOf, lookOnce, prepare } from "./look.ts";

const MISSION = { storefront_api: "reachable", api_latency: "< 30s", rate_limit_remaining: "> 20%" };
const GOOD = { data: { shop: { name: "Alder" } } };
const served: Served[] = [];
afterEach(async () => {
  await Promise.all(served.splice(0).map((one) => one.close()));
});

function shop(origin: string, tokens: Partial<StorefrontConfig> = {}) {
  return { site: { storefront: { origin, apiVersion: "2026-04", publicToken: null, privateToken: null, ...tokens } } };
}

async function serve(listener: RequestListener): Promise<string> {
  const one = await serveHttp(listener);
  served.push(one);
  return one.url;
}

function json(response: ServerResponse, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

const answering = (body: unknown, headers?: Record<string, string>) => serve((_request, response) => json(response, body, headers));
const look = async (origin: string) => lookOnce(storefrontApiProbe, { checks: MISSION }, shop(origin));

describe("the Storefront API", () => {
  test("that answers with data is reachable, and its one answer is the known quota", async () => {
    const seen = await look(await answering(GOOD));
    expect(seen).toMatchObject({ kind: "pass", facts: { rate_limit_remaining: 100 } });
    expect(findingOf(seen, "storefront_api")).toMatchObject({ level: "pass", observed: "reachable" });
    expect(findingOf(seen, "rate_limit_remaining")).toMatchObject({ level: "pass", source: "answers" });
  });

  test("is asked a cheap query with the tokens configured", async () => {
    const asked: { line: string; headers: IncomingHttpHeaders; body: string }[] = [];
    const url = await serve((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      request.on("end", () => {
        asked.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
        json(response, GOOD);
      });
    });
    await lookOnce(storefrontApiProbe, {}, shop(url, { publicToken: new Secret("pub", "test"), privateToken: new Secret("priv", "test") }));
    expect(asked[0]?.line).toBe("POST /api/2026-04/graphql.json");
    expect(asked[0]?.headers).toMatchObject({ "x-shopify-storefront-access-token": "pub", "shopify-storefront-private-token": "priv", "content-type": "application/json" });
    expect(JSON.parse(asked[0]?.body ?? "")).toEqual({ query: "{ shop { name } }" });
  });

  test.each<[string, unknown]>([
    ["no JSON", "<html>maintenance</html>"],
    ["no data", {}],
    ["data that is null", { data: null }],
    ["an internal error", { data: GOOD.data, errors: [{ message: "oops", extensions: { code: "INTERNAL_SERVER_ERROR" } }] }],
    ["an error without a code", { errors: [{ message: "Field 'shop' doesn't exist" }] }],
  ])("that answers 200 with %s fails by its body", async (_name, body) => {
    const url = await serve((_request, response) => (typeof body === "string" ? response.end(body) : json(response, body)));
    const seen = await look(url);
    expect(seen).toMatchObject({ kind: "fail", cause: "body" });
    expect(findingOf(seen, "storefront_api")).toMatchObject({ level: "fail", expected: "reachable" });
  });

  test.each([500, 502, 503, 404])("that answers %i fails by its status", async (status) => {
    const url = await serve((_request, response) => response.writeHead(status).end());
    expect(await look(url)).toMatchObject({ kind: "fail", cause: "status", detail: `answered ${status}` });
  });

  test.each([401, 403])("that refuses our token with %i is a configuration error, not an outage", async (status) => {
    const url = await serve((_request, response) => response.writeHead(status).end());
    expect(await look(url)).toMatchObject({ kind: "unknown", cause: "configuration" });
  });

  test("that is cut off in the middle is truncated", async () => {
    const one = await serveTcp((socket) => socket.once("data", () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"data"')));
    served.push(one);
    expect(await look(one.url)).toMatchObject({ kind: "fail", cause: "truncated" });
  });

  test("that nobody serves is refused, and that hangs is a timeout", async () => {
    expect(await look(`http://127.0.0.1:${await freePort()}`)).toMatchObject({ kind: "fail", cause: "refused" });
    const url = await serve(() => {});
    expect(await lookOnce(storefrontApiProbe, { checks: MISSION }, shop(url), { deadlineMs: 100 })).toMatchObject({ kind: "fail", cause: "timeout" });
  });

  test("of another version than asked for warns that it fell forward", async () => {
    const seen = await look(await answering(GOOD, { "x-shopify-api-version": "2026-07" }));
    expect(seen).toMatchObject({ kind: "warn", detail: "api_version is 2026-07, fell forward, expected 2026-04" });
    expect((await look(await answering(GOOD, { "x-shopify-api-version": "2026-04" }))).kind).toBe("pass");
  });
});

describe("the quota", () => {
  test.each([429, 430])("a %i to our own look is no evidence of an outage, but of the quota", async (status) => {
    const url = await serve((_request, response) => response.writeHead(status).end());
    const seen = await look(url);
    expect(seen).toMatchObject({ kind: "unknown", cause: "throttled" });
    expect(findingOf(seen, "rate_limit_remaining")).toMatchObject({ level: "warn", observed: "0%" });
  });

  test("THROTTLED inside a 200 is the same", async () => {
    const seen = await look(await answering({ errors: [{ message: "Throttled", extensions: { code: "THROTTLED" } }] }));
    expect(seen).toMatchObject({ kind: "unknown", cause: "throttled" });
  });

  test("is the share of the last minute's answers that were not throttled", async () => {
    let now = 0;
    let throttled = true;
    const url = await serve((_request, response) => (throttled ? response.writeHead(429).end() : json(response, GOOD)));
    const real = createSystemClock();
    const clock = { ...real, now: () => now };
    const probe = prepare(storefrontApiProbe, { checks: MISSION }, { ...shop(url), clock });
    await probe.run(aLook());
    throttled = false;
    now = 30_000;
    const half = await probe.run(aLook({ ordinal: 1 }));
    now = 61_000;
    const all = await probe.run(aLook({ ordinal: 2 }));
    expect(findingOf(half, "rate_limit_remaining")?.observed).toBe("50%");
    expect(findingOf(all, "rate_limit_remaining")?.observed).toBe("100%");
  });

  test("is what the API publishes, where it publishes it", async () => {
    const cost = { ...GOOD, extensions: { cost: { throttleStatus: { maximumAvailable: 1_000, currentlyAvailable: 150 } } } };
    const fromBody = await look(await answering(cost));
    expect(findingOf(fromBody, "rate_limit_remaining")).toMatchObject({ level: "warn", observed: "15%", source: "body" });
    const fromHeader = await look(await answering(GOOD, { "x-shopify-shop-api-call-limit": "10/40" }));
    expect(findingOf(fromHeader, "rate_limit_remaining")).toMatchObject({ level: "pass", observed: "75%", source: "header" });
  });
});
