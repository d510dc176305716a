/** What every watch of a Cluster promises. */
import { expect, test } from "vitest";
import type { ClusterWatch, WatchOptions } from "../../src/ports/cluster.ts";
import type { ClusterScene } from "./cluster-scene.ts";

const DEADLINE_MS = 30_000;

/** A watch, and a way to wait for what it shows. */
export function watched(scene: Pick<ClusterScene, "cluster">, options: WatchOptions = {}): { readonly watch: ClusterWatch; until(holds: () => boolean): Promise<void> } {
  let wake = (): void => {};
  const watch = scene.cluster.watch({
    ...options,
    changed: (kind) => {
      options.changed?.(kind);
      wake();
    },
    sighted: (kind, sight) => {
      options.sighted?.(kind, sight);
      wake();
    },
  });
  const until = async (holds: () => boolean): Promise<void> => {
    const late = AbortSignal.timeout(DEADLINE_MS);
    while (!holds()) {
      late.throwIfAborted();
      await new Promise<void>((resolve) => {
        wake = resolve;
        late.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  };
  return { watch, until };
}

export function watchContract(sceneOf: () => ClusterScene): void {
  test("a watch shows what is there, and then every change", async () => {
    const scene = sceneOf();
    const one = await scene.addPod({ name: "web-1", app: "web" });
    const { watch, until } = watched(scene, { selector: "app=web" });
    expect(await watch.seen(AbortSignal.timeout(DEADLINE_MS))).toBe(true);
    expect(watch.pods()).toMatchObject([one]);
    expect(watch.sight("pods")).toEqual({ state: "seeing", cut: 0 });

    await scene.addPod({ name: "web-2", app: "web" });
    await until(() => watch.pods().length === 2);
    await scene.addPod({ name: "other-1", app: "other" });
    await scene.addEndpoints("shop", [one]);
    await scene.addBudget("web", "web", 1);
    await scene.addDeployment("web");
    await scene.addAutoscaler("web", "web");
    await until(() => watch.endpoints("shop").length === 1 && watch.budgets().length === 1 && watch.deployments().length === 1 && watch.autoscalers().length === 1);
    expect(watch.pods().map(({ name }) => name)).not.toContain("other-1");
    await until(() => watch.pods().some(({ name, zone }) => name === "web-1" && zone === "zone-a"));

    await scene.cluster.evictPod(one, new AbortController().signal);
    await until(() => watch.pods().find(({ name }) => name === "web-1")?.deletingAt !== null);
    await scene.removePod("web-1");
    await until(() => watch.pods().length === 1);
    await scene.writeMinReplicas("web", 2, "somebody");
    await until(() => watch.autoscalers()[0]?.min === 2);
    await watch.stop();
  });

  test("a watch of some kinds looks at no others", async () => {
    const scene = sceneOf();
    await scene.addPod({ name: "web-1", app: "web" });
    const { watch } = watched(scene, { kinds: ["pods"] });
    expect(await watch.seen(AbortSignal.timeout(DEADLINE_MS))).toBe(true);
    expect(watch.staleForMs()).toBeLessThan(DEADLINE_MS);
    expect(watch.pods()).toHaveLength(1);
    await watch.stop();
  });
}
