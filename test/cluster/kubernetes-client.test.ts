/** What @kubernetes/client-node leaves open and we close, against a real API server. */
import { getEventListeners } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { rootCertificates } from "node:tls";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Observable } from "@kubernetes/client-node";
import type { RequestContext, ResponseContext } from "@kubernetes/client-node";
import { createKubernetesClient } from "../../src/adapters/kubernetes/client.ts";
import type { KubernetesClient, KubernetesClientOptions } from "../../src/adapters/kubernetes/client.ts";
import { createKubernetesCluster } from "../../src/adapters/kubernetes/cluster.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { createSystemRandom } from "../../src/adapters/system-random.ts";
import { createApiWorld } from "./api-world.ts";
import { startCountingProxy } from "./counting-proxy.ts";
import { lacking } from "./needs.ts";
import { holds } from "./processes.ts";
import { execKubeconfig, writeExecToken, writeKubeconfig } from "./strangers.ts";

const signal = new AbortController().signal;

describe.skipIf(lacking("api").length > 0)("a client of the API server", () => {
  const world = createApiWorld();

  const open = (file: string, options: Partial<KubernetesClientOptions> = {}): KubernetesClient =>
    createKubernetesClient({ clock: createSystemClock(), access: { kind: "kubeconfig", file }, namespace: "default", ...options });
  const listPods = (client: KubernetesClient): Promise<unknown> => client.call("list pods", signal, (options) => client.core.listNamespacedPod({ namespace: "default" }, options));

  test("makes many calls over the same connections, and many at once over a bounded number", async () => {
    await using proxy = await startCountingProxy(world.api().server);
    const client = open(await writeKubeconfig(world.api(), "counted", world.api().adminToken, proxy.server));
    for (let n = 0; n < 50; n++) await listPods(client);
    // The second: the pool's first is still being read from when the second call comes.
    expect(proxy.total()).toBeLessThanOrEqual(2);
    await Promise.all(Array.from({ length: 100 }, () => listPods(client)));
    expect(proxy.total()).toBeLessThanOrEqual(16);
    await client.close();
    expect(await holds(() => proxy.open() === 0, 10_000)).toBe(true);
  });

  test("watches and calls share the pool, and closing ends both", async () => {
    await using proxy = await startCountingProxy(world.api().server);
    const cluster = createKubernetesCluster(open(await writeKubeconfig(world.api(), "watching", world.api().adminToken, proxy.server)), createSystemRandom());
    const watch = cluster.watch();
    expect(await watch.seen(AbortSignal.timeout(30_000))).toBe(true);
    for (let n = 0; n < 20; n++) await cluster.budgets(signal);
    expect(proxy.total()).toBeLessThanOrEqual(11);
    await cluster.close();
    expect(await holds(() => proxy.open() === 0, 10_000)).toBe(true);
  });

  test("gives up on a server that hangs, at its deadline, and goes on when it answers again", async () => {
    const client = open(world.api().kubeconfig, { callDeadlineMs: 300 });
    await holds(async () => listPods(client).then(() => true, () => false), 10_000);
    world.api().freeze();
    try {
      await expect(listPods(client)).rejects.toMatchObject({ name: "ClusterError", code: "UNAVAILABLE", message: "list pods: no answer within 300 ms" });
    } finally {
      world.api().thaw();
    }
    expect(await holds(async () => listPods(client).then(() => true, () => false), 10_000)).toBe(true);
    await client.close();
  });

  test("says that nobody listens, and that a name is none", async () => {
    const file = await writeKubeconfig(world.api(), "nobody", "x", "https://127.0.0.1:1");
    const client = open(file);
    await expect(listPods(client)).rejects.toMatchObject({ code: "UNAVAILABLE", message: expect.stringContaining("ECONNREFUSED") });
    await client.close();
  });

  test("takes no more of an answer than it was allowed", async () => {
    const client = open(world.api().kubeconfig, { maxBodyBytes: 10 });
    await expect(listPods(client)).rejects.toMatchObject({ code: "UNAVAILABLE", message: expect.stringContaining("more than 10 bytes") });
    await client.close();
  });

  test("says that its credentials are not accepted, and takes the new ones of a login program", async () => {
    const { api } = world;
    const token = join(dirname(api().kubeconfig), "rotating-token.json");
    await writeExecToken(token, "an old one");
    const client = open(await execKubeconfig(api(), "rotating", token));
    await expect(listPods(client)).rejects.toMatchObject({ code: "FORBIDDEN", message: "list pods: our credentials are not accepted" });
    await writeExecToken(token, api().adminToken);
    expect(await listPods(client)).toMatchObject({ items: [] });
    await client.close();
  });

  test("a call leaves nothing on its caller's signal, however long that lives", async () => {
    const client = open(world.api().kubeconfig);
    const used: AbortSignal[] = [];
    await client.call("list pods", signal, (options) => {
      const noted = { pre: (request: RequestContext) => (used.push(...[request.getSignal()].filter((one) => one !== undefined)), new Observable(Promise.resolve(request))), post: (response: ResponseContext) => new Observable(Promise.resolve(response)) };
      return client.core.listNamespacedPod({ namespace: "default" }, { ...options, middleware: [...(options.middleware ?? []), noted] });
    });
    expect(used).toHaveLength(1);
    expect([signal, ...used].flatMap((one) => getEventListeners(one, "abort"))).toEqual([]);
    await client.close();
  });

  test("several calls that are one change have one deadline", async () => {
    const client = open(world.api().kubeconfig, { callDeadlineMs: 300 });
    const cluster = createKubernetesCluster(client, createSystemRandom());
    world.api().freeze();
    try {
      await expect(cluster.setScale("web", 1, 2, signal)).rejects.toMatchObject({ code: "UNAVAILABLE", message: expect.stringMatching(/no answer within 300 ms$/) });
    } finally {
      world.api().thaw();
    }
    await cluster.close();
  });

  describe("in a pod", () => {
    /** What a kubelet mounts, and the environment it sets. */
    async function mounted(): Promise<{ readonly root: string; readonly file: (name: string) => string }> {
      const root = join(dirname(world.api().kubeconfig), "pod");
      const folder = join(root, "var/run/secrets/kubernetes.io/serviceaccount");
      await mkdir(folder, { recursive: true });
      const { hostname, port } = new URL(world.api().server);
      vi.stubEnv("KUBERNETES_SERVICE_HOST", hostname);
      vi.stubEnv("KUBERNETES_SERVICE_PORT", port);
      const file = (name: string): string => join(folder, name);
      await writeFile(file("ca.crt"), world.api().ca);
      await writeFile(file("token"), world.api().adminToken);
      await writeFile(file("namespace"), "default");
      return { root, file };
    }
    afterEach(() => {
      vi.unstubAllEnvs();
    });

    test("takes the account that is mounted, and its namespace", async () => {
      const { root } = await mounted();
      const client = createKubernetesClient({ clock: createSystemClock(), access: { kind: "in_cluster", root } });
      expect(client).toMatchObject({ server: world.api().server, namespace: "default" });
      expect(await listPods(client)).toMatchObject({ items: [] });
      await client.close();
    });

    test("trusts the authority that is mounted now, and no longer the one before", async () => {
      const { root, file } = await mounted();
      const client = createKubernetesClient({ clock: createSystemClock(), access: { kind: "in_cluster", root } });
      await listPods(client);
      await writeFile(file("ca.crt"), rootCertificates[0] ?? "");
      await expect(listPods(client)).rejects.toMatchObject({ code: "UNAVAILABLE", message: expect.stringContaining("certificate") });
      await writeFile(file("ca.crt"), world.api().ca);
      expect(await listPods(client)).toMatchObject({ items: [] });
      await client.close();
    });
  });

  test("refuses a configuration it cannot read, in words", async () => {
    const file = join(dirname(world.api().kubeconfig), "broken.kubeconfig");
    await writeFile(file, "clusters: []\n");
    expect(() => open(file)).toThrow("names no current cluster");
    expect(() => open("/nowhere/kubeconfig")).toThrow("cannot be read");
  });
});
