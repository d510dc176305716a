import { describe, expect, test } from "vitest";
import type { Roster } from "../../src/core/roster.ts";
import { inTime } from "../../src/ports/clock.ts";
import { watchPods } from "../../src/roles/pod-watch.ts";
import { createClusterWorld, pod, type ClusterWorld } from "../support/cluster-world.ts";
import { singletonConfig } from "../support/singleton-config.ts";

/** These pods, behind the Service; each ready. */
function place({ cluster }: ClusterWorld, ...names: readonly string[]): void {
  const pods = names.map((name, index) => pod(name, { ip: `10.87.0.${index + 1}` }));
  for (const one of pods) cluster.placePod(one);
  cluster.placeEndpoints("web", pods.map(({ name, uid, ip }) => ({ pod: { name, uid }, addresses: [ip ?? ""], ready: true, serving: true, terminating: false, node: "node-1", zone: null })));
}

async function watched(...names: readonly string[]) {
  const world = createClusterWorld();
  place(world, ...names);
  const { clock, cluster } = world;
  const config = await singletonConfig();
  return { world, pods: await inTime(clock, 30_000, (signal) => watchPods({ config, clock, cluster, sighted: () => undefined }, signal)) };
}

const idsOf = (roster: Roster): readonly string[] => roster.targets.flatMap(({ id, kind }) => (kind === "pod" ? [id] : []));

describe("the pods of a Service", () => {
  test("are targets, each with where its sidecar and its application answer", async () => {
    const { pods } = await watched("web-1", "web-2");
    expect(idsOf(pods.roster())).toEqual(["pod/web-1", "pod/web-2"]);
    expect([pods.sidecar("pod/web-2"), pods.application("pod/web-2")]).toEqual(["10.87.0.2:9470", "http://10.87.0.2:3000"]);
    expect([pods.sidecar("pod/none"), pods.application("pod/none"), pods.bornAt("pod/none")]).toEqual([null, null, null]);
    expect(pods.membersOf("storefront").map(({ name }) => name)).toEqual(["web-1", "web-2"]);
    await pods.stop();
  });

  test("that come and go are told once the burst is over, and the roster stays the same object until then", async () => {
    const { world, pods } = await watched("web-1");
    const told: (readonly string[])[] = [];
    pods.follow((roster) => void told.push(idsOf(roster)));
    const before = pods.roster();
    place(world, "web-1", "web-2");
    expect([pods.roster() === before, told]).toEqual([true, []]);
    await world.clock.advance(250);
    expect(told).toEqual([["pod/web-1", "pod/web-2"]]);
    world.cluster.removePod("web-1");
    place(world, "web-2");
    await world.clock.advance(250);
    expect(told.at(-1)).toEqual(["pod/web-2"]);
    await pods.stop();
  });

  test("are not to be acted on while they cannot be seen", async () => {
    const { world, pods } = await watched("web-1");
    expect(pods.blindness()).toBeNull();
    world.cluster.fail({ code: "UNAVAILABLE", detail: "no answer" });
    await world.clock.advance(0);
    expect(pods.blindness()).toBe("pods cannot be seen: no answer");
    world.cluster.fail(null);
    await world.clock.advance(0);
    expect(pods.blindness()).toBeNull();
    await pods.stop();
  });

  test("tell nobody after its end", async () => {
    const { world, pods } = await watched("web-1");
    const told: Roster[] = [];
    pods.follow((roster) => void told.push(roster));
    place(world, "web-1", "web-2");
    await pods.stop();
    await world.clock.advance(1_000);
    expect([told, world.clock.waiting]).toEqual([[], 0]);
  });

  test("that are not seen in time are not watched", async () => {
    const { clock, cluster } = createClusterWorld();
    cluster.fail({ code: "FORBIDDEN", detail: "list pods: no such right" });
    const config = await singletonConfig();
    const opening = inTime(clock, 30_000, (signal) => watchPods({ config, clock, cluster, sighted: () => undefined }, signal)).catch((error: unknown) => error);
    await clock.advance(30_000);
    expect(await opening).toMatchObject({ message: "the namespace was not seen in time" });
  });
});
