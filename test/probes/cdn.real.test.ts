import type { IncomingHttpHeaders } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { cdnProbe } from "../../src/probes/cdn.ts";
import { freePort, serveHttp, serveTcp } from "../support/faulty-server.ts";
import type { Served } from "../support/faulty-server.ts";
import { aLook, findingOf, lookOnce, prepare } from "./look.ts";

const CHECKS = { reachable: "reachable", hit_rate: "> 60%", stale_share: "< 50%" };
const served: Served[] = [];
afterEach(async () => {
  await Promise.all(served.splice(0).map((one) => one.close()));
});

function settingsOf(one: Served, paths: readonly string[]) {
  served.push(one);
  return { url: one.url, paths, min_answers: 1 };
}

/** A cache of whole pages that says what it did as RFC 9211 has it; the gateway's own member stands before. */
function smallCdn(asked: IncomingHttpHeaders[]) {
  const stored = new Set<string>();
  return serveHttp((request, response) => {
    const url = request.url ?? "";
    asked.push(request.headers);
    const said = url === "/cart" ? "fwd=bypass" : stored.has(url) ? "hit; ttl=60" : "fwd=uri-miss; stored";
    stored.add(url);
    response.setHeader("cache-status", ["shopkeeper; fwd=uri-miss; fwd-status=200", `"small cdn"; ${said}`]);
    response.end("<html>".padEnd(100_000, "x"));
  });
}

describe("a CDN over real connections", () => {
  test("is cold at first and warm at the next look; its answers are read whole", async () => {
    const asked: IncomingHttpHeaders[] = [];
    const probe = prepare(cdnProbe, { settings: settingsOf(await smallCdn(asked), ["/", "/products/alder", "/cart"]), checks: CHECKS }, {});
    const rates: (string | undefined)[] = [];
    for (let ordinal = 0; ordinal < 4; ordinal++) rates.push(findingOf(await probe.run(aLook({ ordinal })), "hit_rate")?.observed);
    await probe.close();
    expect(rates).toEqual(["0%", "50%", "66.7%", "75%"]);
    expect(asked).toHaveLength(12);
    expect(asked[0]?.["user-agent"]).toMatch(/\bbot\b/);
  });

  test("fails where nobody listens, where an answer ends early, and where a path has none in time", async () => {
    const nobody = { url: `http://127.0.0.1:${await freePort()}` };
    expect(await lookOnce(cdnProbe, { settings: nobody, checks: CHECKS }, {})).toMatchObject({ kind: "fail", cause: "refused" });
    const short = await serveTcp((socket) => socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfew")));
    expect(await lookOnce(cdnProbe, { settings: settingsOf(short, ["/"]), checks: CHECKS }, {})).toMatchObject({ kind: "fail", cause: "truncated" });
    const slow = await serveHttp((request, response) => void (request.url === "/" ? response.end() : null));
    const seen = await lookOnce(cdnProbe, { settings: settingsOf(slow, ["/", "/never"]), checks: CHECKS }, {}, { deadlineMs: 200 });
    expect(seen).toMatchObject({ kind: "fail", cause: "timeout" });
    expect(findingOf(seen, "reachable")?.observed).toMatch(/^timeout: \/never: /);
  });
});
