import { describe, expect, test } from "vitest";
import { SidecarHealth } from "../../src/adapters/sidecar-health.ts";
import type { SidecarReport } from "../../src/core/sidecar-report.ts";
import type { Roster } from "../../src/core/roster.ts";
import type { Http } from "../../src/ports/http.ts";
import type { Remedy } from "../../src/ports/remedy.ts";
import { followPods, storefrontBreaker } from "../../src/roles/follow-pods.ts";
import { checkOf, createWatch, createWatchedWorld, RESTART } from "../support/watched-world.ts";

function report(state: "closed" | "open" | null, since = 5): SidecarReport {
  return { status: "healthy", ready: true, copies: 1, lastGoodMsAgo: null, version: "1", looks: [], breakers: state === null ? [] : [{ name: "egress:storefront", state, since }] };
}

describe("the Storefront API's breaker, as the sidecars have it", () => {
  test("is open where at least half of them have it open, since the first of those", () => {
    expect(storefrontBreaker([report("open", 9), report("open", 7), report("closed", 1)])).toMatchObject([{ name: "egress:storefront", effective: "open", since: 7 }]);
    expect(storefrontBreaker([report("open"), report("closed"), report("closed")])).toMatchObject([{ effective: "closed" }]);
  });

  test("is nobody's where none tells of one", () => {
    expect([storefrontBreaker([]), storefrontBreaker([report(null)])]).toEqual([[], []]);
  });
});

function rosterOf(name: string): Roster {
  const id = `pod/${name}`;
  return { targets: [{ id, kind: "pod", workload: "web" }], checks: [checkOf("application", { targets: [id] })], startupGrace: new Map() };
}

describe("an engine in step with the cluster", () => {
  test("has the pods that came while it was made, and those that come after", () => {
    let told: (roster: Roster) => void = () => undefined;
    const pods: Parameters<typeof followPods>[0] = { roster: () => rosterOf("b"), follow: (changed) => void (told = changed), bornAt: () => 5, restartedAt: () => [] };
    const engine = createWatch(createWatchedWorld(), { application: () => "." }, { ...rosterOf("a"), supervised: null });
    followPods(pods, engine, { sidecars: null });
    expect(engine.snapshot().targets.map(({ id }) => id)).toEqual(["pod/b"]);
    told(rosterOf("c"));
    expect(engine.snapshot().targets.map(({ id }) => id)).toEqual(["pod/c"]);
  });
});

/** Restarts, and counts how often. */
function countedRestarts(): { readonly remedy: Remedy; readonly done: string[] } {
  const done: string[] = [];
  const remedy: Remedy = {
    verifiedBy: "replacement",
    prepare: async () => ({ precondition: { kind: "none" }, destructive: true, gone: false }),
    execute: async (_intent, { id }) => (done.push(id), {}),
    readBack: async () => ({ kind: "not_landed" }),
  };
  return { remedy, done };
}

describe("a pod whose check fails", () => {
  test("is left alone while its gateway sees good pages, and for 10 s after the last", async () => {
    const world = createWatchedWorld();
    const { clock } = world;
    const { remedy, done } = countedRestarts();
    const buyers = { lastGoodAt: Number.NEGATIVE_INFINITY };
    const told = (): string => JSON.stringify({ ready: true, copies: 0, checks: {}, ...(Number.isFinite(buyers.lastGoodAt) ? { lastGoodMsAgo: clock.now() - buyers.lastGoodAt } : {}) });
    const http: Http = { request: async () => ({ kind: "answer", status: 200, headers: {}, body: told(), bodyBytes: 1, bodyCut: false, firstByteMs: 1, tookMs: 1 }), close: async () => undefined };
    const sidecars = new SidecarHealth({ clock, http, token: null, address: () => "10.0.0.3:9470", siblings: () => [] });
    const pods: Parameters<typeof followPods>[0] = { roster: () => rosterOf("a"), follow: () => undefined, bornAt: () => null, restartedAt: () => [] };
    const engine = createWatch(world, { application: () => "x" }, { ...rosterOf("a"), supervised: null, policies: [RESTART], remedies: new Map([["restart_pod", remedy]]) });
    followPods(pods, engine, { sidecars });
    await engine.start();

    const pass = async (seconds: number, good: boolean): Promise<void> => {
      for (let second = 0; second < seconds; second += 1) {
        if (good) buyers.lastGoodAt = clock.now();
        await sidecars.read("pod/a", { maxAgeMs: 0, deadlineMs: 100, fresh: false });
        await clock.advance(1_000);
      }
      await engine.idle();
    };
    await pass(60, true);
    expect(engine.snapshot().policies[0]?.lastHold).toMatchObject({ guard: "evidence", target: "pod/a" });
    await pass(8, false);
    expect(done).toEqual([]);
    await pass(12, false);
    expect(done).toEqual(["pod/a"]);
    await engine.stop();
  });
});
