import { describe, expect, test } from "vitest";
import type { Http, HttpAnswer, HttpFailure, HttpRequest } from "../../src/ports/http.ts";
import { createReach } from "../../src/roles/reach.ts";
import { fakeResolver } from "../support/fake-resolver.ts";
import { ManualClock } from "../support/manual-clock.ts";

const WELL: HttpAnswer = { kind: "answer", status: 503, headers: {}, body: "{}", bodyBytes: 2, bodyCut: false, firstByteMs: 1, tookMs: 1 };
const SILENT: HttpFailure = { kind: "failed", cause: "timeout", noNetwork: false, answered: false, detail: "no answer", tookMs: 400 };

function world(answers: Readonly<Record<string, HttpAnswer | HttpFailure>>, names: readonly string[] = Object.keys(answers)) {
  const clock = new ManualClock();
  const resolver = fakeResolver(names.length === 0 ? {} : { peers: [...names] });
  const requests: HttpRequest[] = [];
  const http: Http = {
    request: (request) => {
      requests.push(request);
      const given = answers[new URL(request.url).hostname.replace(/^\[|\]$/g, "")] ?? SILENT;
      return new Promise((resolve) => clock.after(10, () => resolve(given)));
    },
    close: async () => undefined,
  };
  return { clock, resolver, requests, reach: createReach({ service: "peers", port: 9_470, http, resolver, clock }) };
}

describe("looking at a sibling for somebody else", () => {
  test("one that answers is reached, whatever it says of itself; one that does not is not", async () => {
    const { clock, reach, requests } = world({ "10.0.0.2": WELL, "fd00::3": SILENT });
    const both = Promise.all([reach("10.0.0.2"), reach("fd00::3")]);
    await clock.advance(10);
    expect(await both).toEqual([{ kind: "reached" }, { kind: "not_reached", cause: "timeout" }]);
    expect(requests).toMatchObject([{ url: "http://10.0.0.2:9470/health", headers: {}, deadlineMs: 400, connection: "new" }, { url: "http://[fd00::3]:9470/health" }]);
  });

  test("nothing but a sibling's address is ever asked", async () => {
    const { reach, requests } = world({ "10.0.0.2": WELL });
    for (const address of ["169.254.169.254", "localhost", "10.0.0.2:22", "10.0.0.2/x", ""]) expect(await reach(address)).toEqual({ kind: "stranger" });
    expect(requests).toEqual([]);
  });

  test("without the siblings' names, or without a network, nothing is known", async () => {
    expect(await world({}, []).reach("10.0.0.2")).toMatchObject({ kind: "unknown" });
    const { clock, reach } = world({ "10.0.0.2": { ...SILENT, noNetwork: true } });
    const asked = reach("10.0.0.2");
    await clock.advance(10);
    expect(await asked).toMatchObject({ kind: "unknown" });
  });

  test("names are asked for once in two seconds, and at most eight are looked at at once", async () => {
    const addresses = Array.from({ length: 12 }, (_, n) => `10.0.0.${n}`);
    const { clock, reach, resolver, requests } = world(Object.fromEntries(addresses.map((address) => [address, WELL])));
    const all = Promise.all(addresses.map((address) => reach(address)));
    await clock.advance(10);
    expect((await all).filter(({ kind }) => kind === "reached")).toHaveLength(8);
    expect([requests.length, resolver.asked.length]).toEqual([8, 1]);
    await clock.advance(2_001);
    const later = reach("10.0.0.1");
    await clock.advance(10);
    expect(await later).toEqual({ kind: "reached" });
    expect(resolver.asked.length).toBe(2);
  });
});
