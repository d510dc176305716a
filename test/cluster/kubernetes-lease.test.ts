import { describe, expect, test } from "vitest";
import { createKubernetesClient } from "../../src/adapters/kubernetes/client.ts";
import { createKubernetesLease } from "../../src/adapters/kubernetes-lease.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { leaseContract } from "../contract/lease.ts";
import { createApiWorld } from "./api-world.ts";
import { lacking } from "./needs.ts";
import { strangerKubeconfig } from "./strangers.ts";

const signal = new AbortController().signal;

describe.skipIf(lacking("api").length > 0)("a Lease of the cluster", () => {
  const world = createApiWorld();
  const path = (namespace: string): string => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/shopkeeper`;

  leaseContract("Kubernetes", async () => {
    const namespace = await world.namespace();
    const open = () => createKubernetesLease(world.client(namespace), "shopkeeper");
    return { lease: open(), other: open(), [Symbol.asyncDispose]: async () => {} };
  });

  test("shows other tools who holds it, since when and until when, and that Shopkeeper wrote it", async () => {
    const namespace = await world.namespace();
    const lease = createKubernetesLease(world.client(namespace), "shopkeeper");
    const first = await lease.write({ holder: "a", epoch: 3 }, null, signal);
    if (first === "conflict") return expect.fail("somebody else wrote");
    const written = (await world.api().ask("GET", path(namespace))).body;
    expect(written).toMatchObject({ metadata: { managedFields: [{ manager: "shopkeeper" }] }, spec: { holderIdentity: "a", leaseTransitions: 3, leaseDurationSeconds: 15, renewTime: expect.stringMatching(/\.\d{6}Z$/) } });
    const { spec: { acquireTime } } = written as { spec: { acquireTime: string } };
    await lease.write({ holder: "a", epoch: 3 }, first.version, signal);
    expect((await world.api().ask("GET", path(namespace))).body).toMatchObject({ spec: { acquireTime } });
  });

  test("keeps what others wrote beside it", async () => {
    const namespace = await world.namespace();
    const lease = createKubernetesLease(world.client(namespace), "shopkeeper");
    await lease.write({ holder: "a", epoch: 1 }, null, signal);
    await world.api().ask("PATCH", path(namespace), { metadata: { annotations: { team: "shop" } } });
    const seen = await lease.read(signal);
    await lease.write({ holder: "b", epoch: 2 }, seen?.version ?? null, signal);
    expect((await world.api().ask("GET", path(namespace))).body).toMatchObject({ metadata: { annotations: { team: "shop" } }, spec: { holderIdentity: "b" } });
  });

  test("that was deleted meanwhile is a conflict", async () => {
    const namespace = await world.namespace();
    const lease = createKubernetesLease(world.client(namespace), "shopkeeper");
    const first = await lease.write({ holder: "a", epoch: 1 }, null, signal);
    if (first === "conflict") return expect.fail("somebody else wrote");
    await world.api().ask("DELETE", path(namespace));
    expect(await lease.write({ holder: "a", epoch: 1 }, first.version, signal)).toBe("conflict");
    expect(await lease.read(signal)).toBeNull();
  });

  test("without the right to it says so, and that trying again is no use", async () => {
    const namespace = await world.namespace();
    const client = createKubernetesClient({ clock: createSystemClock(), access: { kind: "kubeconfig", file: await strangerKubeconfig(world.api(), namespace, []) }, namespace });
    await expect(createKubernetesLease(client, "shopkeeper").read(signal)).rejects.toMatchObject({ name: "LeaseError", code: "FORBIDDEN", message: expect.stringContaining("cannot get resource") });
    await client.close();
  });

  test("is unavailable, in time, while the server says nothing", async () => {
    const namespace = await world.namespace();
    const client = createKubernetesClient({ clock: createSystemClock(), access: { kind: "kubeconfig", file: world.api().kubeconfig }, namespace, callDeadlineMs: 300 });
    const lease = createKubernetesLease(client, "shopkeeper");
    world.api().freeze();
    try {
      await expect(lease.write({ holder: "a", epoch: 1 }, null, signal)).rejects.toMatchObject({ code: "UNAVAILABLE", message: expect.stringContaining("no answer within 300 ms") });
    } finally {
      world.api().thaw();
    }
    await client.close();
  });
});
