import { describe, expect, test } from "vitest";
import { createMemoryLedger } from "../../src/adapters/memory-ledger.ts";
import type { Http, HttpAnswer, HttpFailure, HttpRequest } from "../../src/ports/http.ts";
import { adminListener } from "../../src/server/admin-listener.ts";
import { lostElsewhere, type ActingOne } from "../../src/server/forward.ts";
import { knownToken } from "../../src/server/tokens.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { fakeControl } from "./fake-control.ts";

const ELSEWHERE: ActingOne = { kind: "elsewhere", address: "10.0.0.3:9471" };
const DONE: HttpAnswer = { kind: "answer", status: 409, headers: { "content-type": "application/problem+json" }, body: '{"code":"REFUSED"}', bodyBytes: 18, bodyCut: false, firstByteMs: 1, tookMs: 1 };

async function call(acting: ActingOne, { method = "POST", url = "/api/v1/pause", headers = {}, answer = DONE }: { method?: "GET" | "POST" | "PUT"; url?: string; headers?: Record<string, string>; answer?: HttpAnswer | HttpFailure } = {}) {
  const asked: HttpRequest[] = [];
  const http: Http = { request: async (request) => (asked.push(request), answer), close: async () => undefined };
  const control = fakeControl();
  const app = adminListener({
    regions: () => null,
    control, ledger: createMemoryLedger(new ManualClock(), { maxAgeMs: 1, maxBytes: 1 }), tokens: [knownToken("ada", "operator", "hers")], trouble: () => undefined,
    forward: { acting: () => acting, http },
  });
  const given = await app.inject({ method, url, headers: { authorization: "Bearer hers", "content-type": "application/json", ...headers }, ...(method === "GET" ? {} : { payload: { scope: "all", why: "x" } }) });
  await app.close();
  return { asked, status: given.statusCode, type: given.headers["content-type"], body: given.json<Record<string, unknown>>() };
}

describe("a daemon that is asked and does not act", () => {
  test("asks the one that does, with the caller's token, and passes its answer on", async () => {
    const { asked, status, type, body } = await call(ELSEWHERE);
    expect(asked).toMatchObject([{ method: "POST", url: "http://10.0.0.3:9471/api/v1/pause", body: '{"scope":"all","why":"x"}', headers: { authorization: "Bearer hers", "x-shopkeeper-forwarded": "1" } }]);
    expect([status, type?.toString().split(";")[0], body]).toEqual([409, "application/problem+json", { code: "REFUSED" }]);
  });

  test("keeps what is asked for", async () => {
    const { asked } = await call(ELSEWHERE, { method: "GET", url: "/api/v1/ledger?limit=3&target=pod%2Fa" });
    expect(asked.map(({ url, body }) => [url, body])).toEqual([["http://10.0.0.3:9471/api/v1/ledger?limit=3&target=pod%2Fa", undefined]]);
  });

  test("passes nothing on for a stranger, nor what is no call of the API", async () => {
    const stranger = await call(ELSEWHERE, { headers: { authorization: "Bearer stolen" } });
    expect([stranger.asked.length, stranger.status, stranger.body["code"]]).toEqual([0, 401, "UNAUTHORIZED"]);
    const elsewhere = await call(ELSEWHERE, { method: "GET", url: "/metrics" });
    expect([elsewhere.asked.length, elsewhere.status]).toEqual([0, 404]);
  });

  test("does not pass on what was passed on", async () => {
    const { asked, status, body } = await call(ELSEWHERE, { headers: { "x-shopkeeper-forwarded": "1" } });
    expect([asked.length, status, body["code"]]).toEqual([0, 503, "UNAVAILABLE"]);
  });

  test.each<[string, ActingOne, HttpAnswer | HttpFailure]>([
    ["says that nobody acts", { kind: "nobody", why: "nobody leads" }, DONE],
    ["says that the other does not answer", ELSEWHERE, { kind: "failed", cause: "refused", noNetwork: false, answered: false, detail: "ECONNREFUSED", tookMs: 1 }],
    ["passes no part of an answer on", ELSEWHERE, { ...DONE, bodyCut: true }],
  ])("%s", async (_what, acting, answer) => {
    const { status, body } = await call(acting, { answer });
    expect([status, body["code"]]).toEqual([503, "UNAVAILABLE"]);
  });

  test("answers itself once it acts", async () => {
    const { asked, status } = await call({ kind: "here" });
    expect([asked.length, status]).toEqual([0, 200]);
  });
});

describe("whether the region is lost, asked of the one that acts", () => {
  const FAILED: HttpFailure = { kind: "failed", cause: "timeout", noNetwork: false, answered: false, detail: "late", tookMs: 1_000 };

  test.each<[string, ActingOne, HttpAnswer | HttpFailure, boolean | null, number]>([
    ["it says so", ELSEWHERE, { ...DONE, status: 503 }, true, 1],
    ["it says that it is well", ELSEWHERE, { ...DONE, status: 200 }, false, 1],
    ["it does not answer: unknown is not lost", ELSEWHERE, FAILED, null, 1],
    ["something else answers there", ELSEWHERE, { ...DONE, status: 404 }, null, 1],
    ["nobody acts", { kind: "nobody", why: "nobody leads" }, DONE, null, 0],
    ["this one does", { kind: "here" }, DONE, null, 0],
  ])("%s", async (_what, acting, answer, lost, times) => {
    const asked: HttpRequest[] = [];
    const http: Http = { request: async (request) => (asked.push(request), answer), close: async () => undefined };
    expect(await lostElsewhere({ acting: () => acting, http }, 9_470)).toBe(lost);
    expect(asked.map(({ url, headers }) => [url, headers["x-shopkeeper-forwarded"]])).toEqual(Array.from({ length: times }, () => ["http://10.0.0.3:9470/health/region", "1"]));
  });
});
