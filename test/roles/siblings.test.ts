import { describe, expect, test } from "vitest";
import { Secret } from "../../src/config/secret.ts";
import type { SiblingsState } from "../../src/core/siblings.ts";
import type { StatusCause } from "../../src/core/status.ts";
import type { Http, HttpAnswer, HttpFailure, HttpRequest } from "../../src/ports/http.ts";
import { createSiblings } from "../../src/roles/siblings.ts";
import { siteBody } from "../../src/server/health-body.ts";
import { outage, wellbeing } from "../server/fake-control.ts";
import { fakeResolver } from "../support/fake-resolver.ts";
import { ManualClock } from "../support/manual-clock.ts";

const CAUSES: readonly StatusCause[] = [{ key: "application@app", check: "application", target: "app", verdict: "unhealthy", since: 0 }];

type Said = "well" | "ill" | "words" | "silent" | "odd";

function answerTo(said: Said): HttpAnswer | HttpFailure {
  if (said === "silent") return { kind: "failed", cause: "timeout", noNetwork: false, answered: false, detail: "no answer within 1000 ms", tookMs: 1_000 };
  const details = { version: "1", ready: said === "well", copies: 3, lastGoodMsAgo: null };
  const body = said === "odd" ? "<html>" : JSON.stringify(siteBody(said === "ill" ? outage() : wellbeing(), said === "words" ? null : details));
  return { kind: "answer", status: said === "ill" ? 503 : 200, headers: {}, body, bodyBytes: body.length, bodyCut: false, firstByteMs: 1, tookMs: 1 };
}

function world(pods: Readonly<Record<string, Said>>, own: readonly string[] = ["10.0.0.1"]) {
  const clock = new ManualClock();
  const resolver = fakeResolver({ peers: ["10.0.0.1", ...Object.keys(pods)] }, own);
  const requests: HttpRequest[] = [];
  const given = { pods };
  const http: Http = {
    request: (request) => {
      requests.push(request);
      return Promise.resolve(answerTo(given.pods[new URL(request.url).hostname.replace(/^\[|\]$/g, "")] ?? "silent"));
    },
    close: () => Promise.resolve(),
  };
  const found: SiblingsState[] = [];
  let draws = 0;
  const siblings = createSiblings({
    service: "peers", port: 9_470, token: new Secret("t0ken", "${PEER}"), ownHost: "0.0.0.0", http, resolver, clock,
    random: { next: () => (draws += 0.37) % 1, id: () => "0".repeat(32) },
    found: (state) => found.push(state),
  });
  return { clock, resolver, requests, given, siblings, found };
}

const FIVE_WELL = Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`10.0.1.${at}`, "well"] as const));

describe("the siblings", () => {
  test("are left in peace while this one is well: no name is asked, no timer runs", async () => {
    const { siblings, clock, resolver, requests } = world(FIVE_WELL);
    for (const status of ["unknown", "healthy", "degraded"] as const) siblings.judged(status, []);
    await clock.advance(600_000);
    expect([resolver.asked, requests, clock.waiting]).toEqual([[], [], 0]);
  });

  test("are asked for details, five of them, each once, with a second's deadline", async () => {
    const { siblings, clock, requests } = world(FIVE_WELL);
    siblings.judged("unhealthy", CAUSES);
    await clock.advance(0);
    expect(new Set(requests.map(({ url }) => url)).size).toBe(5);
    for (const request of requests) expect(request).toMatchObject({ url: expect.stringMatching(/^http:\/\/10\.0\.1\.\d:9470\/health$/), headers: { authorization: "Bearer t0ken" }, deadlineMs: 1_000, connection: "new" });
  });

  test("are asked once in five seconds, however often this one is judged", async () => {
    const { siblings, clock, resolver } = world(FIVE_WELL);
    for (let turn = 0; turn < 20; turn += 1) {
      siblings.judged("unhealthy", CAUSES);
      await clock.advance(500);
      siblings.judged(turn % 2 === 0 ? "healthy" : "unhealthy", CAUSES);
      await clock.advance(500);
    }
    // In 20 s: at 0, 5, 10, 15 and 20 at the most.
    expect(resolver.asked.length).toBeGreaterThan(2);
    expect(resolver.asked.length).toBeLessThan(6);
  });

  test("do not count this one itself, and a pod with two addresses counts once", async () => {
    const { siblings, clock, requests } = world({ "10.0.0.2": "well", "fd00::1": "well", "fd00::2": "well" });
    siblings.judged("unhealthy", CAUSES);
    await clock.advance(0);
    expect(requests.map(({ url }) => url)).toEqual(["http://10.0.0.2:9470/health"]);
  });

  test("by IPv6 alone are asked, too", async () => {
    const { siblings, clock, requests, resolver } = world({ "fd00::2": "well" }, ["fd00::1"]);
    resolver.names.set("peers", ["fd00::1", "fd00::2"]);
    siblings.judged("unhealthy", CAUSES);
    await clock.advance(0);
    expect(requests.map(({ url }) => url)).toEqual(["http://[fd00::2]:9470/health"]);
    expect(siblings.state().finding).toBe("own");
  });

  test.each<[string, readonly Said[], string]>([
    ["that are well: the fault is our own", ["well", "well"], "own"],
    ["that are ill too: it is shared", ["ill", "ill"], "shared"],
    ["that are silent were not seen", ["silent", "silent"], "unseen"],
    ["that do not know our token were not seen", ["words", "words"], "unseen"],
    ["that are no sidecars were not seen", ["odd"], "unseen"],
  ])("%s", async (_what, said, finding) => {
    const { siblings, clock } = world(Object.fromEntries(said.map((one, at) => [`10.0.1.${at}`, one])));
    siblings.judged("unhealthy", CAUSES);
    await clock.advance(0);
    expect(siblings.state().finding).toBe(finding);
  });

  test("no name, no sight", async () => {
    const { siblings, clock, resolver } = world({});
    resolver.names.clear();
    siblings.judged("unhealthy", CAUSES);
    await clock.advance(0);
    expect(siblings.state()).toMatchObject({ finding: "unseen", why: "there is no sibling to ask" });
  });

  test("are told of once for each change, and forgotten when this one is well again", async () => {
    const { siblings, clock, found, given } = world({ "10.0.1.1": "well", "10.0.1.2": "well" });
    siblings.judged("unhealthy", CAUSES);
    await clock.advance(5_000);
    expect(found.map(({ finding, own }) => [finding, own])).toEqual([["own", 1], ["own", 2]]);
    given.pods = { "10.0.1.1": "ill", "10.0.1.2": "ill" };
    await clock.advance(15_000);
    expect(found.map(({ finding }) => finding)).toEqual(["own", "own", "shared"]);
    siblings.judged("degraded", []);
    expect(siblings.state()).toMatchObject({ finding: null, own: 0, why: "" });
    expect(clock.waiting).toBe(0);
  });

  test("stopped in the middle of a round, nothing more is asked or believed", async () => {
    const { siblings, clock, requests } = world(FIVE_WELL);
    siblings.judged("unhealthy", CAUSES);
    await siblings.stop();
    siblings.judged("unhealthy", CAUSES);
    await clock.advance(60_000);
    expect([requests, clock.waiting, siblings.state().finding]).toEqual([[], 0, null]);
  });
});
