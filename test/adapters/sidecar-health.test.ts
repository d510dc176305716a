import { describe, expect, test } from "vitest";
import { SidecarHealth } from "../../src/adapters/sidecar-health.ts";
import type { Http, HttpAnswer, HttpFailure, HttpRequest } from "../../src/ports/http.ts";
import { ManualClock } from "../support/manual-clock.ts";

const REPORT = { status: "pass", verdict: "healthy", ready: true, copies: 1, version: "1", checks: {} };

function answer(over: Partial<HttpAnswer> = {}): HttpAnswer {
  return { kind: "answer", status: 200, headers: {}, body: JSON.stringify(REPORT), bodyBytes: 1, bodyCut: false, firstByteMs: 1, tookMs: 2, ...over };
}

/** Answers 20 ms after it was asked. */
function world(answers: readonly (HttpAnswer | HttpFailure)[] = [], token: string | null = "secret") {
  const clock = new ManualClock();
  const asked: HttpRequest[] = [];
  const http: Http = {
    request: (request) => {
      const given = answers[asked.length] ?? answer();
      asked.push(request);
      return new Promise((resolve) => clock.after(20, () => resolve(given)));
    },
    close: async () => undefined,
  };
  const sidecars = new SidecarHealth({ clock, http, token, address: (target) => (target === "pod/none" ? null : "10.0.0.3:9470") });
  const read = async (maxAgeMs = 0, target = "pod/a") => {
    const reading = sidecars.read(target, { maxAgeMs, deadlineMs: 1_000, fresh: false });
    await clock.advance(20);
    return reading;
  };
  return { clock, asked, sidecars, read };
}

describe("reading sidecars", () => {
  test("asks its health with the peer token", async () => {
    const { asked, read } = world();
    expect(await read()).toMatchObject({ kind: "report", report: { ready: true, copies: 1 } });
    expect(asked).toMatchObject([{ method: "GET", url: "http://10.0.0.3:9470/health", headers: { authorization: "Bearer secret" }, deadlineMs: 1_000, connection: "reuse" }]);
  });

  test("one request serves all who ask at the same time, and those who may have it older", async () => {
    const { clock, asked, sidecars, read } = world();
    const both = [sidecars.read("pod/a", { maxAgeMs: 0, deadlineMs: 1_000, fresh: false }), sidecars.read("pod/a", { maxAgeMs: 0, deadlineMs: 1_000, fresh: false })];
    await clock.advance(20);
    expect(await both[0]).toBe(await both[1]);
    await clock.advance(500);
    await read(1_000);
    expect(asked.length).toBe(1);
    await clock.advance(1_000);
    await read(1_000);
    expect(asked.length).toBe(2);
  });

  test.each<[string, HttpAnswer | HttpFailure, object]>([
    ["a pod that is not well answers 503 and says why", answer({ status: 503 }), { kind: "report" }],
    ["another program at that port", answer({ status: 404 }), { kind: "refused", why: "answered 404" }],
    ["words only", answer({ body: '{"status":"pass"}' }), { kind: "refused" }],
    ["no JSON", answer({ body: "<html>" }), { kind: "refused", why: "its answer is no JSON" }],
    ["more than is read", answer({ bodyCut: true }), { kind: "refused" }],
    ["nobody", { kind: "failed", cause: "refused", noNetwork: false, answered: false, detail: "ECONNREFUSED", tookMs: 1 }, { kind: "failed", cause: "refused", detail: "ECONNREFUSED" }],
  ])("%s", async (_what, given, expected) => {
    expect(await world([given]).read()).toMatchObject(expected);
  });

  test("the newest report is kept while the sidecar is silent, and forgotten with its pod", async () => {
    const { read, sidecars } = world([answer(), { kind: "failed", cause: "timeout", noNetwork: false, answered: false, detail: "late", tookMs: 1 }]);
    await read();
    await read();
    expect(sidecars.last("pod/a")?.copies).toBe(1);
    sidecars.retain(new Set());
    expect(sidecars.last("pod/a")).toBeNull();
  });

  test("where there is none nobody is asked", async () => {
    const { asked, sidecars } = world();
    expect(sidecars.read("pod/none", { maxAgeMs: 0, deadlineMs: 1, fresh: false })).toBeNull();
    expect(asked).toEqual([]);
  });
});
