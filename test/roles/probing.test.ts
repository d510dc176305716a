import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import type { Observation } from "../../src/core/observation.ts";
import type { Http, HttpAnswer, HttpFailure, HttpRequest } from "../../src/ports/http.ts";
import { catalogues } from "../../src/roles/catalogues.ts";
import { prepareProbes } from "../../src/roles/probing.ts";
import { VirtualClock } from "../../src/simulation/virtual-clock.ts";
import { folderOf, SITE } from "../config/harness.ts";
import { FakeProcesses } from "../support/fake-processes.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { NOW } from "../support/scene.ts";
import { APP } from "../support/watched-world.ts";

const ENV = { HOST: "search.internal", TOKEN: "s3cret-token", BUILD: "build-77", NEAR: "Search-Near" };

/** What one look of the check says where every request is answered so, and what was asked. */
async function see(check: string, answer: HttpAnswer | HttpFailure): Promise<{ readonly seen: Observation; readonly asked: readonly HttpRequest[] }> {
  const clock = new VirtualClock(NOW);
  const asked: HttpRequest[] = [];
  const http: Http = { request: async (request) => (asked.push(request), answer), close: async () => undefined };
  const loaded = await loadConfig({ file: join("shop", "shopkeeper.yaml"), env: ENV, catalogues, files: folderOf({ "shopkeeper.yaml": SITE, "checks/mine.yaml": `name: mine\nprobe: http\n${check}` }) });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  const probing = await prepareProbes(loaded.config, clock, http, new FakeProcesses(new ManualClock()));
  const seen = await probing.probes.get("mine")?.run({ target: APP, deadlineMs: 1_000, ordinal: 0, signal: new AbortController().signal });
  await probing.close();
  if (seen === undefined) throw new Error("no such check");
  return { seen, asked };
}

const UNREACHED: HttpFailure = { kind: "failed", cause: "resolve", noNetwork: false, answered: false, detail: "getaddrinfo ENOTFOUND search.internal", tookMs: 3 };
const answered = (body: string): HttpAnswer => ({ kind: "answer", status: 200, headers: { "x-build": "build-76", "x-echo": "Bearer s3cret-token" }, body, bodyBytes: body.length, bodyCut: false, firstByteMs: 2, tookMs: 3 });

describe("what variables were filled in with", () => {
  test("is what is asked, and not what is said of it", async () => {
    const { seen, asked } = await see('url: https://${HOST}/status\nheaders: { authorization: "Bearer ${TOKEN}" }\n', UNREACHED);
    expect(asked[0]).toMatchObject({ url: "https://search.internal/status", headers: { authorization: "Bearer s3cret-token" } });
    expect(seen).toMatchObject({ kind: "fail", cause: "resolve", detail: "getaddrinfo ENOTFOUND ${HOST}" });
  });

  test("is not said either where the answer is an echo, or is compared with it", async () => {
    const { seen } = await see('url: https://${HOST}/status\nchecks: { header.x-build: "${BUILD}", header.x-echo: "nothing", json.token: "${TOKEN}" }\n', answered('{"token":"s3cret-token"}'));
    expect(seen.kind).toBe("fail");
    expect(seen.findings?.filter((finding) => finding.assertion !== "http_status").map(({ level, observed, expected }) => [level, observed, expected])).toEqual([
      ["fail", "build-76", "${BUILD}"],
      ["fail", "Bearer ${TOKEN}", "nothing"],
      ["pass", "${TOKEN}", "${TOKEN}"],
    ]);
    expect(JSON.stringify(seen)).not.toMatch(/s3cret|build-77/);
  });

  test("is not said either in the case in which a URL has it", async () => {
    const { seen } = await see("url: https://${NEAR}/status\n", { ...UNREACHED, detail: "getaddrinfo ENOTFOUND search-near" });
    expect(seen).toMatchObject({ detail: "getaddrinfo ENOTFOUND ${NEAR}" });
  });

  test("is not said in part where a long answer is cut", async () => {
    const { seen } = await see('url: https://x.example/\nheaders: { authorization: "Bearer ${TOKEN}" }\nchecks: { json.token: "nothing" }\n', answered(JSON.stringify({ token: `${"x".repeat(190)}s3cret-token` })));
    expect(seen.findings?.find((finding) => finding.assertion === "json.token")?.observed).toBe(`${"x".repeat(190)}\${TOKEN}…`);
  });

  test("a check without variables is looked at as it is", async () => {
    expect((await see("url: https://search.internal/status\n", UNREACHED)).seen).toMatchObject({ detail: "getaddrinfo ENOTFOUND search.internal" });
  });
});
