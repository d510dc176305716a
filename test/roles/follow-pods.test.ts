import { describe, expect, test } from "vitest";
import type { SidecarReport } from "../../src/core/sidecar-report.ts";
import type { Roster } from "../../src/core/roster.ts";
import { followPods, storefrontBreaker } from "../../src/roles/follow-pods.ts";
import { checkOf, createWatch, createWatchedWorld } from "../support/watched-world.ts";

function report(state: "closed" | "open" | null, since = 5): SidecarReport {
  return { status: "healthy", ready: true, copies: 1, version: "1", looks: [], breakers: state === null ? [] : [{ name: "egress:storefront", state, since }] };
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
