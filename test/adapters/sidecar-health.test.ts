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
  const addresses: Readonly<Record<string, string>> = { "pod/b": "10.0.0.4:9470", "pod/c": "10.0.0.5:9470", "pod/v6": "[fd00::9]:9470" };
  const sidecars = new SidecarHealth({ clock, http, token, address: (target) => (target === "pod/none" ? null : (addresses[target] ?? "10.0.0.3:9470")), siblings: (target) => (target === "pod/alone" ? [target] : [target, "pod/b", "pod/c", "pod/none"]) });
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
    const { clock, read, sidecars } = world([answer(), { kind: "failed", cause: "timeout", noNetwork: false, answered: false, detail: "late", tookMs: 1 }]);
    await read();
    // Later, or the answer before would do.
    await clock.advance(1);
    expect(await read()).toMatchObject({ kind: "failed" });
    expect(sidecars.last("pod/a")?.copies).toBe(1);
    sidecars.retain(new Set());
    expect(sidecars.last("pod/a")).toBeNull();
  });

  test("a good page its gateway saw is known by our own clock, and counts no more once the sidecar is silent, or tells of none", async () => {
    const saw = (over: object): HttpAnswer => answer({ body: JSON.stringify({ ...REPORT, ...over }) });
    const { clock, read, sidecars } = world([saw({ lastGoodMsAgo: 300 }), { kind: "failed", cause: "timeout", noNetwork: false, answered: false, detail: "late", tookMs: 1 }, saw({})]);
    expect(sidecars.lastGoodAt("pod/a")).toBeNull();
    await read();
    const seenAt = clock.now() - 300;
    expect(sidecars.lastGoodAt("pod/a")).toBe(seenAt);
    await clock.advance(1_000);
    expect(sidecars.lastGoodAt("pod/a")).toBe(seenAt);
    for (let look = 0; look < 2; look += 1) {
      await clock.advance(1);
      await read();
      expect(sidecars.lastGoodAt("pod/a")).toBeNull();
    }
  });

  test("where there is none nobody is asked", async () => {
    const { asked, sidecars } = world();
    expect(sidecars.read("pod/none", { maxAgeMs: 0, deadlineMs: 1, fresh: false })).toBeNull();
    expect(asked).toEqual([]);
  });

  describe("one that does not answer", () => {
    const late: HttpFailure = { kind: "failed", cause: "timeout", noNetwork: false, answered: false, detail: "late", tookMs: 1 };
    const says = (reached: boolean | null): HttpAnswer => answer({ body: JSON.stringify({ reached }) });
    /** Siblings answer, then the pod is silent, then the siblings are asked of it. */
    const silent = async (...words: readonly (HttpAnswer | HttpFailure)[]) => {
      const given = world([answer(), answer(), late, ...words]);
      await given.read(0, "pod/b");
      await given.read(0, "pod/c");
      await given.read();
      await given.clock.advance(20);
      return given;
    };

    test("is asked for at those siblings that answered, the newest first, with the peer token", async () => {
      const { asked, sidecars } = await silent(says(false), says(true));
      expect(asked.slice(3)).toMatchObject([
        { url: "http://10.0.0.5:9470/health/peers/10.0.0.3", headers: { authorization: "Bearer secret" }, deadlineMs: 900 },
        { url: "http://10.0.0.4:9470/health/peers/10.0.0.3" },
      ]);
      expect(sidecars.word("pod/a")).toMatchObject({ reachedBy: "pod/b", told: 2 });
    });

    test.each<[string, readonly (HttpAnswer | HttpFailure)[], object | null]>([
      ["neither reaches it", [says(false), says(false)], { reachedBy: null, told: 2 }],
      ["one knows nothing", [says(null), says(false)], { reachedBy: null, told: 1 }],
      ["both are silent too", [late, late], null],
      ["both are too old to be asked", [answer({ status: 404 }), answer({ body: "<html>" })], null],
    ])("%s", async (_what, words, expected) => {
      const { sidecars } = await silent(...words);
      const word = sidecars.word("pod/a");
      if (expected === null) expect(word).toBeNull();
      else expect(word).toMatchObject(expected);
    });

    test("their word stands through a round that nobody answers, as old as it is", async () => {
      const { clock, read, sidecars } = await silent(says(false), says(true), late, late, late);
      const before = sidecars.word("pod/a");
      await read();
      await clock.advance(20);
      expect(before).toMatchObject({ reachedBy: "pod/b" });
      expect(sidecars.word("pod/a")).toEqual(before);
    });

    test("their word is forgotten once it answers, and with its pod", async () => {
      const { sidecars, read } = await silent(says(true), says(true));
      await read();
      expect(sidecars.word("pod/a")).toBeNull();
      const other = await silent(says(true), says(true));
      other.sidecars.retain(new Set(["pod/b"]));
      expect(other.sidecars.word("pod/a")).toBeNull();
    });

    test("nobody is asked where our own network is missing, where it is alone, and without a token", async () => {
      const cut = world([answer(), { ...late, noNetwork: true }]);
      await cut.read(0, "pod/b");
      await cut.read();
      const alone = world([answer(), late]);
      await alone.read(0, "pod/b");
      await alone.read(0, "pod/alone");
      const stranger = world([answer(), late], null);
      await stranger.read(0, "pod/b");
      await stranger.read();
      for (const one of [cut, alone, stranger]) {
        await one.clock.advance(50);
        expect(one.asked).toHaveLength(2);
      }
    });

    test("a pod of the other family is asked for by its bare address", async () => {
      const { asked, read, clock } = world([answer(), late, says(true)]);
      await read(0, "pod/b");
      await read(0, "pod/v6");
      await clock.advance(20);
      expect(asked[2]?.url).toBe("http://10.0.0.4:9470/health/peers/fd00%3A%3A9");
    });
  });
});
