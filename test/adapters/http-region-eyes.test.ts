/** Looks and votes over HTTP, the public listener at the other end. */
import { describe, expect, test } from "vitest";
import { createRegionEyes, VOTES_PATH } from "../../src/adapters/http-region-eyes.ts";
import { regionSigner, SIGNATURE_HEADER } from "../../src/adapters/region-signature.ts";
import type { RegionsConfig } from "../../src/config/regions-config.ts";
import { Secret } from "../../src/config/secret.ts";
import { parseQuestion, type RegionAnswer } from "../../src/core/region/exchange.ts";
import { DEFAULT_REGION_RULES } from "../../src/core/region/region.ts";
import type { Http, HttpAnswer, HttpFailure, HttpRequest } from "../../src/ports/http.ts";
import { publicListener } from "../../src/server/public-listener.ts";

const SECRET = new Secret("a secret that all regions of one shop share", "test");
const REGIONS: RegionsConfig = {
  here: "us", me: "us", secret: SECRET, page: "/collections", expect: 200, provider: null,
  plan: { site: "shop", regions: [{ name: "eu", floor: 1 }, { name: "us", floor: 1 }], witnesses: ["home"], rules: DEFAULT_REGION_RULES },
  places: [{ name: "eu", origin: "https://eu.shop.example", daemon: "https://guard.eu.example" }, { name: "us", origin: "https://us.shop.example", daemon: "https://guard.us.example" }],
  witnesses: [{ name: "home", daemon: "https://home.example" }],
};
const soon = (): AbortSignal => AbortSignal.timeout(5_000);
const answered = (over: Partial<HttpAnswer> = {}): HttpAnswer => ({ kind: "answer", status: 200, headers: {}, body: "", bodyBytes: 0, bodyCut: false, firstByteMs: 1, tookMs: 1, ...over });
const failed = (over: Partial<HttpFailure> = {}): HttpFailure => ({ kind: "failed", cause: "timeout", noNetwork: false, answered: false, detail: "late", tookMs: 1, ...over });

function eyesOn(give: (request: HttpRequest) => HttpAnswer | HttpFailure | Promise<HttpAnswer>) {
  const asked: HttpRequest[] = [];
  const told: string[] = [];
  let ids = 0;
  const http: Http = { request: async (request) => (asked.push(request), give(request)), close: async () => undefined };
  return { asked, told, eyes: createRegionEyes({ regions: REGIONS, http, random: { next: () => 0.5, id: () => `nonce-of-this-test-${ids++}` }, online: async () => true, heard: (observer, why) => told.push(`${observer}: ${why ?? "heard"}`) }) };
}

describe("looking at a region from outside", () => {
  test.each<[string, HttpAnswer | HttpFailure, object]>([
    ["the application", answered(), { kind: "answered", by: "application" }],
    ["the application behind the gateway", answered({ headers: { "cache-status": "shopkeeper; fwd=miss; fwd-status=200" } }), { kind: "answered", by: "application" }],
    ["a fresh copy", answered({ headers: { "cache-status": "shopkeeper; hit; ttl=120" } }), { kind: "answered", by: "fresh" }],
    ["a copy that is being renewed", answered({ headers: { "cache-status": "shopkeeper; hit; ttl=-3; detail=revalidate" } }), { kind: "answered", by: "fresh" }],
    ["a copy, since the breaker is open", answered({ headers: { "cache-status": "shopkeeper; hit; ttl=-42; detail=breaker-open" } }), { kind: "answered", by: "copy" }],
    ["a copy in the place of an error", answered({ headers: { "cache-status": "shopkeeper; fwd=stale; fwd-status=500; ttl=-42; detail=status" } }), { kind: "answered", by: "copy" }],
    ["another cache beyond ours", answered({ headers: { "cache-status": 'cdn; hit, shopkeeper; hit; ttl=-42; detail=breaker-open, edge; fwd=miss' } }), { kind: "answered", by: "copy" }],
    ["a cache that is not ours", answered({ headers: { "cache-status": "shopkeepers-cdn; hit" } }), { kind: "unknown", detail: expect.stringContaining("a cache before the region answered (Cache-Status: shopkeepers-cdn; hit), as it would for a dead one") }],
    ["a CDN's copy of what was ours", answered({ headers: { "cf-cache-status": "HIT", age: "71", "cache-status": "shopkeeper; fwd=miss; fwd-status=200" } }), { kind: "unknown", detail: expect.stringContaining("(CF-Cache-Status: HIT)") }],
    ["an age that nobody explains", answered({ headers: { age: "71" } }), { kind: "unknown", detail: expect.stringContaining("(Age: 71)") }],
    ["a copy that its region has just confirmed", answered({ headers: { "cf-cache-status": "REVALIDATED" } }), { kind: "answered", by: "application" }],
    ["a CDN's copy of an error", answered({ status: 503, headers: { "cf-cache-status": "HIT" } }), { kind: "unknown", detail: expect.stringContaining("(CF-Cache-Status: HIT)") }],
    ["a CDN that asked the region", answered({ headers: { "cf-cache-status": "DYNAMIC", "cache-status": "shopkeeper; hit; ttl=120", age: "71" } }), { kind: "answered", by: "fresh" }],
    ["an error", answered({ status: 503 }), { kind: "failed", detail: "answered 503, and 200 was expected" }],
    ["a page that is gone", answered({ status: 404 }), { kind: "failed" }],
    ["nobody in time", failed(), { kind: "failed", detail: "timeout: late" }],
    ["no network here", failed({ cause: "refused", noNetwork: true }), { kind: "unknown" }],
    ["a name that does not resolve", failed({ cause: "resolve" }), { kind: "unknown" }],
    ["a certificate that has expired", failed({ cause: "tls" }), { kind: "unknown" }],
    ["a redirect to the shop's name", answered({ status: 301 }), { kind: "unknown", detail: "answered 301, and 200 was expected" }],
    ["a locked door", answered({ status: 403 }), { kind: "unknown" }],
    ["too many questions", answered({ status: 429 }), { kind: "unknown" }],
  ])("%s", async (_what, given, expected) => {
    const { eyes, asked } = eyesOn(() => given);
    expect(await eyes.look("eu", soon())).toMatchObject(expected);
    expect(asked).toMatchObject([{ method: "GET", url: "https://eu.shop.example/collections", deadlineMs: 1_000, connection: "new" }]);
  });

  test("goes over a kept connection, and over a new one now and then", async () => {
    const { eyes, asked } = eyesOn(() => answered());
    for (let look = 0; look < 6; look += 1) await eyes.look("eu", soon());
    expect(asked.map(({ connection }) => connection)).toEqual(["new", "reuse", "reuse", "reuse", "reuse", "new"]);
  });

  test("a region that is not configured is not known", async () => {
    const { eyes, asked } = eyesOn(() => answered());
    expect([(await eyes.look("ap", soon())).kind, await eyes.report("ap", soon()), await eyes.ask("ap", { nonce: "n".repeat(16), about: [] }, soon())]).toEqual(["unknown", null, { kind: "silent", why: "nobody knows where ap is" }]);
    expect(asked).toEqual([]);
  });
});

describe("asking a daemon", () => {
  const signer = regionSigner("shop", SECRET);
  const REPORT = { region: "eu", status: "healthy", selling: true, ready: 3, parity: "not_measured", givesUp: null, outside: "up", mark: null } as const;
  const says = (nonce: string, over: Partial<RegionAnswer> = {}): RegionAnswer => ({ nonce, observer: "eu", votes: [{ nonce, observer: "eu", about: "us", says: "up", copiesForMs: 0, vetoed: false }], report: REPORT, ...over });

  /** The other end is the listener itself. */
  function listening(answer: (nonce: string) => RegionAnswer | null, theirs = signer, tamper = (text: string): string => text) {
    const app = publicListener({ answer: ({ nonce }) => answer(nonce), isSigned: (body, given) => theirs.isOurs("question", body, given), sign: (body) => theirs.sign("answer", body), signatureHeader: SIGNATURE_HEADER, trouble: (detail) => expect.unreachable(detail) });
    return eyesOn(async ({ url, headers, body }) => {
      const got = await app.inject({ method: "POST", url: new URL(url).pathname, headers, payload: body ?? "" });
      return answered({ status: got.statusCode, headers: got.headers as Record<string, string>, body: tamper(got.body) });
    });
  }

  test("its votes and its word on its region come back under the nonce that was asked with", async () => {
    const { eyes, asked } = listening((nonce) => says(nonce));
    const nonce = "0123456789abcdef";
    expect(await eyes.ask("eu", { nonce, about: ["us"] }, soon())).toEqual({ kind: "votes", votes: says(nonce).votes });
    expect(await eyes.report("eu", soon())).toEqual(REPORT);
    expect(asked.map(({ url }) => url)).toEqual([`https://guard.eu.example${VOTES_PATH}`, `https://guard.eu.example${VOTES_PATH}`]);
    expect(parseQuestion(asked[0]?.body ?? "")).toEqual({ nonce, about: ["us"] });
  });

  test.each<[string, ReturnType<typeof listening>]>([
    ["an answer to another question", listening(() => says("another-nonce-0123"))],
    ["another observer's answer", listening((nonce) => says(nonce, { observer: "home" }))],
    ["another shop's answer", listening((nonce) => says(nonce), regionSigner("other", SECRET))],
    ["one signed with another secret", listening((nonce) => says(nonce), regionSigner("shop", new Secret("another secret of the same length, but not it", "test")))],
    ["one that was changed on its way", listening((nonce) => says(nonce), signer, (text) => text.replace('"up"', '"down"'))],
    ["one that is starting", listening(() => null)],
  ])("%s is none", async (_what, { eyes }) => {
    expect([(await eyes.ask("eu", { nonce: "0123456789abcdef", about: ["us"] }, soon())).kind, await eyes.report("eu", soon())]).toEqual(["silent", null]);
  });

  test.each<[string, ReturnType<typeof listening>, string]>([
    ["of another shop or secret", listening((nonce) => says(nonce), regionSigner("shop", new Secret("another secret of the same length, but not it", "test"))), "eu: it answered 403: its failover.secret, or its site, is another than here"],
    ["at another one's URL", listening((nonce) => says(nonce, { observer: "home" })), "eu: home answered in its place: see the daemon: URLs of regions and witnesses"],
    ["that is no public listener", eyesOn(() => answered({ status: 404 })), "eu: it answered 404, and 200 was expected of a public listener's /region/votes"],
    ["that is gone", eyesOn(() => failed({ cause: "refused", detail: "ECONNREFUSED" })), "eu: refused: ECONNREFUSED"],
  ])("one %s is told once, with what to look at", async (_what, { eyes, told }, expected) => {
    for (let round = 0; round < 3; round += 1) await eyes.report("eu", soon());
    expect(told).toEqual([expected]);
    expect(await eyes.ask("eu", { nonce: "0123456789abcdef", about: ["us"] }, soon())).toEqual({ kind: "silent", why: expected.replace("eu: ", "") });
  });

  test("that it is heard again is told too", async () => {
    let gone = true;
    const { eyes, told } = eyesOn(({ body }) => {
      const text = JSON.stringify({ ...says(parseQuestion(body ?? "")?.nonce ?? ""), votes: [] });
      return gone ? failed() : answered({ body: text, headers: { [SIGNATURE_HEADER]: signer.sign("answer", text) } });
    });
    await eyes.report("eu", soon());
    gone = false;
    await eyes.report("eu", soon());
    await eyes.report("eu", soon());
    expect(told).toEqual(["eu: timeout: late", "eu: heard"]);
  });

  test("a question cannot be played back as an answer", async () => {
    const { eyes } = eyesOn(({ body, headers }) => answered({ body: body ?? "", headers: { [SIGNATURE_HEADER]: headers[SIGNATURE_HEADER] ?? "" } }));
    expect(await eyes.report("eu", soon())).toBeNull();
  });
});

describe("the public listener", () => {
  const signer = regionSigner("shop", SECRET);
  const app = publicListener({ answer: ({ nonce }) => ({ nonce, observer: "eu", votes: [], report: null }), isSigned: (body, given) => signer.isOurs("question", body, given), sign: (body) => signer.sign("answer", body), signatureHeader: SIGNATURE_HEADER, trouble: (detail) => expect.unreachable(detail) });
  const post = (payload: string, headers: Record<string, string>) => app.inject({ method: "POST", url: VOTES_PATH, payload, headers: { "content-type": "application/json", ...headers } });
  const question = JSON.stringify({ nonce: "0123456789abcdef", about: [] });

  test.each<[string, () => ReturnType<typeof post>, number]>([
    ["an unsigned question", () => post(question, {}), 403],
    ["one signed as an answer", () => post(question, { [SIGNATURE_HEADER]: signer.sign("answer", question) }), 403],
    ["half a signature", () => post(question, { [SIGNATURE_HEADER]: signer.sign("question", question).slice(0, 40) }), 403],
    ["a signed text that is no question", () => post("{}", { [SIGNATURE_HEADER]: signer.sign("question", "{}") }), 400],
    ["a text without end", () => post("x".repeat(20_000), {}), 400],
    ["a signed question", () => post(question, { [SIGNATURE_HEADER]: signer.sign("question", question) }), 200],
  ])("%s", async (_what, ask, status) => {
    expect((await ask()).statusCode).toBe(status);
  });

  test("answers nothing else", async () => {
    for (const url of ["/", "/health", "/metrics", "/api/v1/status"]) expect((await app.inject({ method: "GET", url })).statusCode).toBe(404);
  });
});
