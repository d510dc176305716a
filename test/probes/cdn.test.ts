import { describe, expect, test } from "vitest";
import type { Observation } from "../../src/core/observation.ts";
import { cdnProbe } from "../../src/probes/cdn.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { scriptedHttp, type Scripted } from "../support/scripted-http.ts";
import { aLook, findingOf, prepare } from "./look.ts";

const CHECKS = { reachable: "reachable", hit_rate: "> 90%", stale_share: "< 10%" };
const URL = "https://shop.example";

/** One answer a letter: what the CDN says of it. */
const ANSWERS: Readonly<Record<string, Scripted>> = {
  h: good({ "cf-cache-status": "HIT" }),
  s: good({ "cf-cache-status": "STALE" }),
  m: good({ "cf-cache-status": "MISS" }),
  d: good({ "cf-cache-status": "DYNAMIC" }),
  H: good({ "x-cache": "HIT" }),
  M: good({ "x-cache": "MISS" }),
  a: good({ age: "40" }),
  "?": good({}),
  t: { status: 429, body: "", headers: { "cf-cache-status": "HIT" } },
  "5": { status: 503, body: "", headers: { "cf-cache-status": "HIT" } },
  "4": { status: 404, body: "", headers: { "cf-cache-status": "HIT" } },
  x: { cause: "refused" },
};

function good(headers: Readonly<Record<string, string>>): Scripted {
  return { status: 200, body: "<html></html>", headers };
}

type Settings = { readonly window?: string; readonly min_answers?: number };

/** Looks separated by spaces, 30 s apart, each with a letter for each of its paths; what each look said. */
async function replay(looks: string, settings: Settings = {}, checks: Readonly<Record<string, string>> = CHECKS) {
  const clock = new ManualClock();
  const letters = looks.replaceAll(" ", "");
  const http = scriptedHttp(clock, (_request, number) => ANSWERS[letters[number] ?? ""] ?? "hang");
  const paths = Array.from(looks.split(" ")[0] ?? "", (_letter, index) => `/${index}`);
  const probe = prepare(cdnProbe, { settings: { url: URL, paths, min_answers: 1, ...settings }, checks }, { clock, http });
  const seen: Observation[] = [];
  for (const _ of looks.split(" ")) {
    seen.push(await probe.run(aLook()));
    await clock.advance(30_000);
  }
  return { seen, last: seen.at(-1) as Observation, requests: http.requests };
}

/** "80%", or the reason why it is not known. */
function observed(seen: Observation, assertion: string): string | undefined {
  return findingOf(seen, assertion)?.observed;
}

describe("the shares of a CDN's answers", () => {
  test.each([
    ["h h h m", "75%", "0%", "a share of hits and misses"],
    ["h s h m", "75%", "25%", "a stale copy is a hit, too"],
    ["m m", "0%", "0%", "nothing from the cache"],
    ["hm hm hh", "66.7%", "0%", "all paths count alike"],
    ["h d d d m", "50%", "0%", "what is never cached counts as neither"],
    ["h ? ? m", "50%", "0%", "nor does what is not told"],
    ["h t 5 x m", "50%", "0%", "nor do our own throttling and errors"],
    ["h 4", "100%", "0%", "a stored 404 is a hit"],
    ["H M M M", "25%", "X-Cache does not tell whether a hit was stale", "a plain HIT may be stale"],
    ["M M", "0%", "0%", "without a hit nothing is stale"],
    ["a a", "100%", "Age does not tell whether a hit was stale", "all have an age"],
    ["a ?", "only Age tells of hits, and nothing of misses", "Age does not tell whether a hit was stale", "a miss has no age"],
    ["d d", "the CDN caches none of it: 2 of 2 answers were DYNAMIC, BYPASS or the like", "the CDN caches none of it: 2 of 2 answers were DYNAMIC, BYPASS or the like", "all is dynamic"],
    ["? ?", "the CDN does not tell of 2 of 2 answers whether they came from its cache", "the CDN does not tell of 2 of 2 answers whether they came from its cache", "nothing tells"],
    ["? d d", "the CDN does not tell of 1 of 3 answers whether they came from its cache; 2 were DYNAMIC, BYPASS or the like", "the CDN does not tell of 1 of 3 answers whether they came from its cache; 2 were DYNAMIC, BYPASS or the like", "some of each"],
  ])("%s: %s from the cache, %s stale: %s", async (looks, rate, stale) => {
    const { last } = await replay(looks);
    expect([observed(last, "hit_rate"), observed(last, "stale_share")]).toEqual([rate, stale]);
  });

  test("warn, and never fail; the finding says which field told", async () => {
    const { last } = await replay("h s m m");
    expect(last).toMatchObject({ kind: "warn", cause: "assertion", detail: "hit_rate is 50%, expected > 90%" });
    expect(findingOf(last, "hit_rate")).toMatchObject({ level: "warn", source: "CF-Cache-Status" });
    expect(findingOf(last, "stale_share")).toMatchObject({ level: "warn", observed: "25%" });
  });

  test("that are not known leave the look as it is", async () => {
    const { last } = await replay("d d");
    expect(last).toMatchObject({ kind: "pass" });
    expect([findingOf(last, "hit_rate")?.level, findingOf(last, "stale_share")?.level]).toEqual(["unknown", "unknown"]);
  });

  test("are not judged by a first few answers: each cache begins with misses", async () => {
    const { seen } = await replay("m m m h", { min_answers: 4 });
    expect(seen.map((one) => [one.kind, observed(one, "hit_rate")])).toEqual([
      ["pass", "1 of the 4 answers needed so far"],
      ["pass", "2 of the 4 answers needed so far"],
      ["pass", "3 of the 4 answers needed so far"],
      ["warn", "25%"],
    ]);
  });

  test("are of the window: what is older no longer counts", async () => {
    const { seen } = await replay("m m h h h", { window: "1m" });
    expect(seen.map((one) => observed(one, "hit_rate"))).toEqual(["0%", "0%", "50%", "100%", "100%"]);
  });

  test("forget what was untold as well, once it is older", async () => {
    const { last } = await replay("? a a", { window: "1m" });
    expect(observed(last, "hit_rate")).toBe("100%");
  });

  test("are facts for triggers only where they are known", async () => {
    expect((await replay("h s")).last).toMatchObject({ facts: { hit_rate: 100, stale_share: 50 } });
    const { last } = await replay("d");
    expect(last.kind === "unknown" ? null : last.facts).toEqual({});
  });
});

describe("what metrics count of a look", () => {
  test.each([
    ["hhm", { cdn_requests: 3, cdn_cache_hits: 2 }, "hits and misses"],
    ["hsd?", { cdn_requests: 2, cdn_cache_hits: 2 }, "a stale hit, and nothing of the others"],
    ["mx", { cdn_requests: 1, cdn_cache_hits: 0 }, "a miss beside a failure"],
    ["Hat", { cdn_requests: 1, cdn_cache_hits: 1 }, "no hit that only its age gives away"],
  ])("%s: %j: %s", async (look, counts) => {
    expect((await replay(look)).last).toMatchObject({ facts: counts });
  });

  test("is of that look alone", async () => {
    expect((await replay("h h h")).last).toMatchObject({ facts: { cdn_requests: 1, cdn_cache_hits: 1 } });
  });

  test.each(["d?", "a", "x5"])("%s: nothing", async (look) => {
    const { last } = await replay(look);
    expect(last).toHaveProperty("facts");
    expect(Object.keys(last.kind === "unknown" ? {} : last.facts).filter((name) => name.startsWith("cdn_"))).toEqual([]);
  });
});

describe("reachable", () => {
  test.each([
    ["h", "pass", null, "reachable"],
    ["4", "pass", null, "reachable"],
    ["x", "fail", "refused", "refused: /0: as written down"],
    ["h5", "fail", "status", "status: /1 answered 503"],
    ["hx", "fail", "refused", "refused: /1: as written down"],
    ["ht", "pass", null, "reachable"],
  ])("%s: %s", async (look, kind, cause, text) => {
    const { last } = await replay(look, {}, { reachable: "reachable" });
    expect(last.kind).toBe(kind);
    expect("cause" in last ? last.cause : null).toBe(cause);
    expect(observed(last, "reachable")).toBe(text);
  });

  test("is asked also where the check does not name it", async () => {
    expect((await replay("5", {}, {})).last).toMatchObject({ kind: "fail", cause: "status", findings: [{ assertion: "reachable", level: "fail" }] });
    expect((await replay("h", {}, {})).last).toMatchObject({ kind: "pass" });
  });

  test("a CDN that throttles us everywhere is no evidence", async () => {
    expect((await replay("tt")).last).toMatchObject({ kind: "unknown", cause: "throttled", detail: "/0: 429 to our own look" });
  });

  test.each([
    ["resolve", "resolver"],
    ["refused", "no_network"],
  ] as const)("without a network of our own (%s) it is unknown", async (cause, expected) => {
    const http = { request: async () => ({ kind: "failed", cause, noNetwork: true, answered: false, detail: "no route", tookMs: 3 }) as const, close: async () => undefined };
    const probe = prepare(cdnProbe, { settings: { url: URL }, checks: CHECKS }, { http });
    expect(await probe.run(aLook())).toMatchObject({ kind: "unknown", cause: expected, detail: "/: no route", tookMs: 3 });
  });
});

describe("the asking", () => {
  test("is for all paths at once, as a browser asks, each within the look's deadline; no body is kept", async () => {
    const clock = new ManualClock();
    const http = scriptedHttp(clock, () => "hang");
    const probe = prepare(cdnProbe, { settings: { url: `${URL}/`, paths: ["/", "/a?b=c"] }, checks: CHECKS }, { clock, http });
    const look = aLook({ deadlineMs: 700, ordinal: 9 });
    const seen = probe.run(look);
    expect(http.requests.map(({ url }) => url)).toEqual([`${URL}/`, `${URL}/a?b=c`]);
    for (const request of http.requests) {
      expect(request).toMatchObject({ method: "GET", deadlineMs: 700, maxBodyBytes: 0, connection: "new", signal: look.signal, headers: { "accept-encoding": "gzip, deflate, br" } });
      expect(request.headers).not.toHaveProperty("cookie");
    }
    await clock.advance(700);
    expect(await seen).toMatchObject({ kind: "fail", cause: "timeout" });
  });

  test("that is given up says nothing", async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const probe = prepare(cdnProbe, { settings: { url: URL }, checks: CHECKS }, { clock, http: scriptedHttp(clock, () => "hang") });
    const seen = probe.run(aLook({ signal: controller.signal }));
    controller.abort();
    await clock.advance(5_000);
    expect(await seen).toMatchObject({ kind: "unknown", cause: "internal" });
  });

  test.each<[string, object]>([
    ["no address", {}],
    ["an address that is none", { url: "shop.example" }],
    ["no path", { url: URL, paths: [] }],
    ["more paths than eight", { url: URL, paths: Array.from({ length: 9 }, (_, index) => `/${index}`) }],
    ["a path that is none", { url: URL, paths: ["products"] }],
    ["a window of seconds", { url: URL, window: "30s" }],
    ["no answers needed", { url: URL, min_answers: 0 }],
  ])("%s is refused", (_what, settings) => {
    expect(cdnProbe.schema.safeParse(settings).success).toBe(false);
  });

  test("is for the front page where no path is named", () => {
    expect(cdnProbe.schema.parse({ url: URL })).toEqual({ url: URL, paths: ["/"], window: 900_000, min_answers: 10 });
  });
});
