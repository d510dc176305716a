/** A watch goes on whatever happens to the server, and says when it cannot see. */
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { createKubernetesClient } from "../../src/adapters/kubernetes/client.ts";
import type { KubernetesClient } from "../../src/adapters/kubernetes/client.ts";
import { podSource } from "../../src/adapters/kubernetes/lists.ts";
import type { Source } from "../../src/adapters/kubernetes/lists.ts";
import { Reflector } from "../../src/adapters/kubernetes/reflector.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { createSystemRandom } from "../../src/adapters/system-random.ts";
import type { Pod } from "../../src/core/cluster.ts";
import type { Sight } from "../../src/ports/cluster.ts";
import { apiScene } from "./api-scene.ts";
import { createApiWorld } from "./api-world.ts";
import { lacking } from "./needs.ts";
import { holds } from "./processes.ts";
import { execKubeconfig, grant, strangerKubeconfig, writeExecToken } from "./strangers.ts";

const DEADLINE_MS = 40_000;
const FAST = { watchMs: 1_000, relistMs: 300_000, backoffMs: 50, maxBackoffMs: 500 };

describe.skipIf(lacking("api").length > 0)("a watch of the API server", () => {
  const world = createApiWorld();

  async function watching(options: { readonly file?: string; readonly times?: Partial<typeof FAST>; readonly source?: (real: Source<Pod>) => Source<Pod> } = {}) {
    const scene = await apiScene(world);
    const client = createKubernetesClient({ clock: createSystemClock(), access: { kind: "kubeconfig", file: options.file ?? world.api().kubeconfig }, namespace: scene.cluster.namespace, callDeadlineMs: 1_000 });
    const sights: Sight[] = [];
    const real = podSource("app=web");
    const reflector = new Reflector<Pod>({
      client,
      random: createSystemRandom(),
      source: options.source?.(real) ?? real,
      times: { ...FAST, ...options.times },
      changed: () => {},
      sighted: (sight) => sights.push(sight),
    });
    reflector.start();
    const shows = (name: string): Promise<boolean> => holds(() => [...reflector.objects()].some((pod) => pod.name === name), DEADLINE_MS);
    const isIn = (state: Sight["state"]): Promise<boolean> => holds(() => reflector.sight().state === state, DEADLINE_MS);
    return {
      scene, client, reflector, sights, shows, isIn,
      [Symbol.asyncDispose]: async () => {
        await reflector.stop();
        await client.close();
        await scene.end();
      },
    };
  }

  test("goes on after the server was killed and started again, and said so meanwhile", async () => {
    await using watched = await watching();
    await watched.scene.addPod({ name: "before", app: "web" });
    expect(await watched.shows("before")).toBe(true);
    await world.api().kill();
    expect(await watched.isIn("blind")).toBe(true);
    const blind = watched.reflector.sight();
    const kept = [...watched.reflector.objects()];
    expect(await holds(() => watched.reflector.staleForMs() > 500, DEADLINE_MS)).toBe(true);
    await world.api().restart();
    expect(blind).toMatchObject({ code: "UNAVAILABLE" });
    expect(kept).toHaveLength(1);
    await watched.scene.addPod({ name: "after", app: "web" });
    expect(await watched.shows("after")).toBe(true);
    expect(watched.sights.map(({ state }) => state)).toEqual(["seeing", "blind", "seeing"]);
  });

  test("notices a server that keeps its connections and says nothing", async () => {
    await using watched = await watching();
    expect(await watched.isIn("seeing")).toBe(true);
    world.api().freeze();
    try {
      expect(await watched.isIn("blind")).toBe(true);
      expect(watched.reflector.sight()).toMatchObject({ code: "UNAVAILABLE", detail: expect.stringContaining("no answer within") });
    } finally {
      world.api().thaw();
    }
    await watched.scene.addPod({ name: "after", app: "web" });
    expect(await watched.shows("after")).toBe(true);
    expect(await watched.isIn("seeing")).toBe(true);
  });

  test("a version the server has forgotten leads to a new list", async () => {
    const lists: string[] = [];
    const fromTheStart = (real: Source<Pod>): Source<Pod> => ({
      ...real,
      list: async (client, query, options) => {
        const page = await real.list(client, query, options);
        lists.push(page.metadata?.resourceVersion ?? "");
        // As of long ago, the first time: the server itself answers 410 then.
        return lists.length === 1 ? { items: [], metadata: { resourceVersion: "1" } } : page;
      },
    });
    await using watched = await watching({ source: fromTheStart });
    await watched.scene.addPod({ name: "after", app: "web" });
    expect(await watched.shows("after")).toBe(true);
    expect(lists.length).toBeGreaterThanOrEqual(2);
    expect(watched.sights.map(({ state }) => state)).toEqual(["seeing"]);
  });

  test("goes on after its credentials were refused, with the new ones", async () => {
    const token = join(dirname(world.api().kubeconfig), "watching-token.json");
    await writeExecToken(token, world.api().adminToken);
    await using watched = await watching({ file: await execKubeconfig(world.api(), "watching", token) });
    await watched.scene.addPod({ name: "before", app: "web" });
    expect(await watched.shows("before")).toBe(true);
    await writeExecToken(token, "expired");
    expect(await watched.isIn("blind")).toBe(true);
    expect(watched.reflector.sight()).toMatchObject({ code: "FORBIDDEN" });
    await writeExecToken(token, world.api().adminToken);
    await watched.scene.addPod({ name: "after", app: "web" });
    expect(await watched.shows("after")).toBe(true);
  });

  test("begins to see when the right to it is granted", async () => {
    const scene = await apiScene(world);
    const { namespace } = scene.cluster;
    const client = createKubernetesClient({ clock: createSystemClock(), access: { kind: "kubeconfig", file: await strangerKubeconfig(world.api(), namespace, []) }, namespace });
    const reflector = new Reflector<Pod>({ client, random: createSystemRandom(), source: podSource(null), times: FAST, changed: () => {}, sighted: () => {} });
    reflector.start();
    expect(await holds(() => reflector.sight().state === "blind", DEADLINE_MS)).toBe(true);
    expect(reflector.sight()).toMatchObject({ code: "FORBIDDEN", detail: expect.stringContaining('cannot list resource "pods"') });
    expect(reflector.staleForMs()).toBe(Infinity);
    await grant(world.api(), namespace, [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] }]);
    expect(await holds(() => reflector.sight().state === "seeing", DEADLINE_MS)).toBe(true);
    await reflector.stop();
    await client.close();
    await scene.end();
  });

  test("lists again from time to time, and finds what its events did not say", async () => {
    let lists = 0;
    const counting = (real: Source<Pod>): Source<Pod> => ({
      ...real,
      list: (client: KubernetesClient, ...rest) => {
        lists += 1;
        return real.list(client, ...rest);
      },
      // What an event showed wrongly, the third list shows rightly.
      read: (raw) => ({ ...real.read(raw), phase: lists > 2 ? "Running" : "Unknown" }),
    });
    await using watched = await watching({ source: counting, times: { relistMs: 500 } });
    await watched.scene.addPod({ name: "web-1", app: "web" });
    expect(await holds(() => [...watched.reflector.objects()].some(({ phase }) => phase === "Running"), DEADLINE_MS)).toBe(true);
    expect(watched.sights.map(({ state }) => state)).toEqual(["seeing"]);
  });

  test("keeps no more than its bound, and says how many it left out", async () => {
    await using watched = await watching({ source: (real) => ({ ...real, max: 2 }), times: { relistMs: 500 } });
    for (const name of ["web-1", "web-2", "web-3"]) await watched.scene.addPod({ name, app: "web" });
    const cut = (): number => {
      const sight = watched.reflector.sight();
      return sight.state === "seeing" ? sight.cut : 0;
    };
    expect(await holds(() => cut() > 0, DEADLINE_MS)).toBe(true);
    expect([...watched.reflector.objects()]).toHaveLength(2);
    await watched.scene.removePod("web-1");
    expect(await holds(() => cut() === 0, DEADLINE_MS)).toBe(true);
    expect(await watched.shows("web-3")).toBe(true);
  });
});
