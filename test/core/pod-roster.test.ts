import { describe, expect, test } from "vitest";
import type { Endpoint, Pod } from "../../src/core/cluster.ts";
import { musterPods, withPods, type PodGroup, type PodSightings } from "../../src/core/pod-roster.ts";
import type { Roster } from "../../src/core/roster.ts";
import { checkOf } from "../support/watched-world.ts";

const GROUP: PodGroup = { id: "storefront", workload: "web", service: "storefront", startupGrace: 30_000 };
const NOW = 1_000_000;

function pod(name: string, over: Partial<Pod> = {}): Pod {
  return {
    name, uid: `uid-${name}`, version: "1", labels: {}, node: "node-1", zone: "zone-a", ip: "10.0.0.1", phase: "Running", ready: true,
    workload: { kind: "Deployment", name: "web" }, startedAt: NOW, deletingAt: null, containers: [], ...over,
  };
}

function behind(...pods: readonly Pod[]): readonly Endpoint[] {
  return pods.map(({ name, uid }) => ({ pod: { name, uid }, addresses: ["10.0.0.1"], ready: true, serving: true, terminating: false, node: null, zone: null }));
}

function muster(pods: readonly Pod[], before: PodSightings = new Map(), now = NOW, endpoints = behind(...pods)) {
  const found = musterPods(GROUP, pods, endpoints, before, now);
  return { ...found, names: found.members.map(({ pod: { name } }) => name) };
}

describe("which pods are watched", () => {
  test.each<[string, Pod, boolean]>([
    ["a ready one", pod("a"), true],
    ["one that was never ready, at first", pod("a", { ready: false }), false],
    ["one that was told to go", pod("a", { deletingAt: NOW }), false],
    ["one without an address", pod("a", { ip: null }), false],
    ["one that does not run", pod("a", { phase: "Pending" }), false],
  ])("%s", (_what, one, watched) => {
    expect(muster([one]).names).toEqual(watched ? ["a"] : []);
  });

  test("one that its Service does not have is nobody's, and another of the same name is another", () => {
    expect(muster([pod("a")], new Map(), NOW, []).names).toEqual([]);
    expect(muster([pod("a")], new Map(), NOW, behind(pod("a", { uid: "old" }))).names).toEqual([]);
  });

  test("one that was ready once stays while it is not", () => {
    const first = muster([pod("a")]);
    expect(muster([pod("a", { ready: false })], first.sightings, NOW + 1_000).names).toEqual(["a"]);
  });

  test("one that does not become ready is watched once it has had its start-up time, which is said in advance", () => {
    const sick = pod("a", { ready: false });
    const first = muster([sick]);
    expect(first.nextAt).toBe(NOW + 30_000);
    const second = muster([sick], first.sightings, NOW + 29_999);
    expect([second.names, second.nextAt]).toEqual([[], NOW + 30_000]);
    const third = muster([sick], second.sightings, NOW + 30_000);
    expect([third.names, third.nextAt]).toEqual([["a"], null]);
  });

  test("who looks for the first time takes a pod's age from its node: an old one that is not ready is ill, not starting", () => {
    const old = pod("a", { ready: false, startedAt: NOW - 60_000 });
    const young = pod("b", { ready: false, startedAt: NOW - 5_000 });
    const first = muster([old, young], null);
    expect([first.names, first.nextAt, first.members[0]?.bornAt]).toEqual([["a"], NOW + 25_000, NOW - 60_000]);
    expect(muster([pod("c", { startedAt: NOW - 60_000 })], new Map()).members[0]?.bornAt).toBe(NOW);
  });

  test("of those that are gone nothing is remembered", () => {
    const first = muster([pod("a"), pod("b")]);
    expect([...muster([pod("b")], first.sightings).sightings.keys()]).toEqual(["uid-b"]);
  });

  test("as a target each has its workload, zone and region", () => {
    const [member] = musterPods({ ...GROUP, region: "eu" }, [pod("a")], behind(pod("a")), new Map(), NOW).members;
    expect(member).toMatchObject({ ip: "10.0.0.1", target: { id: "pod/a", kind: "pod", workload: "web", zone: "zone-a", region: "eu" } });
    const [unplaced] = muster([pod("a", { zone: null })]).members;
    expect(unplaced?.target).toEqual({ id: "pod/a", kind: "pod", workload: "web" });
  });
});

describe("restarts by the kubelet", () => {
  const app = (restarts: number, name = "app"): Pod["containers"][number] => ({ name, sidecar: name === "shopkeeper", main: name === "app", ready: true, restarts, waitingFor: "", lastTermination: null, cpuRequestMilli: null });
  const counting = (...counts: readonly number[]) => {
    let before: PodSightings = null;
    let at: readonly number[] = [];
    for (const [index, count] of counts.entries()) {
      const seen = muster([pod("a", { containers: [app(7 * index, "shopkeeper"), app(3 * index, "log-shipper"), app(count)] })], before, NOW + index * 1_000);
      before = seen.sightings;
      at = seen.members[0]?.restartedAt.map((one) => one - NOW) ?? [];
    }
    return at;
  };

  test("are counted from when somebody looks, the application's own alone, and each once", () => {
    expect(counting(4, 4, 5, 5, 7)).toEqual([2_000, 4_000, 4_000]);
  });

  test("only so many are remembered", () => {
    expect(counting(0, 1_000_000)).toHaveLength(20);
  });
});

describe("the roster with pods", () => {
  const configured: Roster = {
    targets: [{ id: "storefront", kind: "workload", workload: "web" }, { id: "api", kind: "origin", workload: "api" }],
    checks: [checkOf("application", { targets: ["storefront", "api"] }), checkOf("workload", { targets: ["storefront"] }), checkOf("shopify_api", { targets: ["site"] })],
    startupGrace: new Map([["api", 5_000]]),
  };

  test("has pods where checks look at the workload, and the workload where they look at the whole", () => {
    const roster = withPods(configured, [[GROUP, muster([pod("a"), pod("b")]).members]], new Set(["workload"]));
    expect(roster.targets.map(({ id }) => id)).toEqual(["storefront", "pod/a", "pod/b", "api"]);
    expect(roster.checks.map(({ targets }) => targets)).toEqual([["pod/a", "pod/b", "api"], ["storefront"], ["site"]]);
    expect([...roster.startupGrace]).toEqual([["api", 5_000], ["pod/a", 30_000], ["pod/b", 30_000]]);
  });

  test("without any pod nothing is looked at in its place", () => {
    expect(withPods(configured, [[GROUP, []]], new Set()).checks[0]?.targets).toEqual(["api"]);
  });
});
