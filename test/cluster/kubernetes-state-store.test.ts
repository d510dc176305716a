import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createKubernetesStateStore, openKubernetesStateStore } from "../../src/adapters/kubernetes-state-store.ts";
import { decodeKey, encodeKey } from "../../src/adapters/kubernetes/config-map-key.ts";
import { fencedStateStoreContract } from "../contract/fenced-state-store.ts";
import { stateStoreContract } from "../contract/state-store.ts";
import { createApiWorld } from "./api-world.ts";
import { lacking } from "./needs.ts";

describe.skipIf(lacking("api").length > 0)("state in a ConfigMap of the cluster", () => {
  const world = createApiWorld();
  const path = (namespace: string): string => `/api/v1/namespaces/${namespace}/configmaps/shopkeeper-state`;

  stateStoreContract("Kubernetes", async () => {
    const namespace = await world.namespace();
    return { open: async () => createKubernetesStateStore(world.client(namespace), "shopkeeper-state"), cleanUp: async () => {} };
  });

  fencedStateStoreContract("Kubernetes", async () => {
    const namespace = await world.namespace();
    const spoilEpoch = async (text: string): Promise<void> => {
      const { status } = await world.api().ask("PATCH", path(namespace), { metadata: { annotations: { "shopkeeper.dev/epoch": text } } });
      if (status !== 200) throw new Error(`the annotation was not written: ${status}`);
    };
    return { open: (epoch) => openKubernetesStateStore(world.client(namespace), "shopkeeper-state", epoch), spoilEpoch, cleanUp: async () => {} };
  });

  test("several daemons that write at once lose nothing of each other", async () => {
    const namespace = await world.namespace();
    const stores = [0, 1, 2].map(() => createKubernetesStateStore(world.client(namespace), "shopkeeper-state"));
    await Promise.all(stores.flatMap((store, writer) => [0, 1, 2, 3].map((n) => store.put(`writer/${writer}/${n}`, "x"))));
    expect(await stores[0]?.list("writer/")).toHaveLength(12);
  });

  test("counts revisions over what somebody else wrote after our last write", async () => {
    const namespace = await world.namespace();
    const [ours, theirs] = [createKubernetesStateStore(world.client(namespace), "shopkeeper-state"), createKubernetesStateStore(world.client(namespace), "shopkeeper-state")];
    await ours.put("k", "1");
    await theirs.put("k", "2");
    expect(await ours.put("k", "3", 1)).toBe("conflict");
    expect(await ours.put("k", "3", 2)).toBe(3);
    await theirs.delete("k");
    expect(await ours.put("k", "4", 0)).toBe(1);
  });

  test("what is asked for together is written together", async () => {
    const namespace = await world.namespace();
    const store = createKubernetesStateStore(world.client(namespace), "shopkeeper-state");
    await Promise.all(Array.from({ length: 50 }, (_, n) => store.put(`k/${n}`, "x")));
    const { body } = await world.api().ask("GET", path(namespace));
    expect(Object.keys((body as { data: Record<string, string> }).data)).toHaveLength(50);
    expect((body as { metadata: { generation?: number; managedFields: object[] } }).metadata.managedFields).toHaveLength(1);
    const writes = readFileSync(world.api().auditLog, "utf8").split("\n").filter((line) => line.includes(`"namespace":"${namespace}"`) && line.includes('"resource":"configmaps"'));
    expect(writes).toHaveLength(1);
  });

  test("more than a ConfigMap holds is refused before it is sent, and the rest stays", async () => {
    const namespace = await world.namespace();
    const store = createKubernetesStateStore(world.client(namespace), "shopkeeper-state");
    for (let n = 0; n < 3; n++) await store.put(`big/${n}`, "x".repeat(256 * 1024));
    await expect(store.put("big/3", "x".repeat(256 * 1024))).rejects.toMatchObject({ code: "TOO_LARGE" });
    const [small, large] = await Promise.allSettled([store.put("small", "1"), store.put("big/3", "x".repeat(256 * 1024))]);
    expect(small).toMatchObject({ status: "fulfilled", value: 1 });
    expect(large).toMatchObject({ status: "rejected", reason: { code: "TOO_LARGE" } });
    expect(await store.list("big/")).toHaveLength(3);
  });

  test.each([["a/b.c_d", "plain"], ["/leading", "a slash in front"], ["é 漢 🛒", "beyond ASCII"], ["..", "dots"], ["k".repeat(512), "as long as may be"], ["/".repeat(512), "long and escaped"], ["", "empty"]])(
    "the server takes any key: %s (%s)",
    async (key) => {
      const namespace = await world.namespace();
      const store = createKubernetesStateStore(world.client(namespace), "shopkeeper-state");
      expect(await store.put(key, "1")).toBe(1);
      expect(await store.get(key)).toEqual({ key, value: "1", revision: 1 });
      expect(await store.list("")).toEqual([{ key, value: "1", revision: 1 }]);
    },
  );

  test("an entry that is not ours is called corrupt, not read wrongly", async () => {
    const namespace = await world.namespace();
    const store = createKubernetesStateStore(world.client(namespace), "shopkeeper-state");
    await store.put("k", "1");
    await world.api().ask("PATCH", path(namespace), { data: { k: "edited by hand" } });
    await expect(store.get("k")).rejects.toMatchObject({ code: "CORRUPT" });
  });
});

describe("keys of a ConfigMap", () => {
  test("are taken by the API server's rule, and lead back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (key) => {
        const encoded = encodeKey(key);
        expect(encoded).toMatch(/^[-._a-zA-Z0-9]{1,253}$/);
        expect(encoded).not.toMatch(/^\./);
        expect(decodeKey(encoded) ?? key).toBe(key);
      }),
    );
  });
});
