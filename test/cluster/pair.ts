/** Two singletons in a namespace of their own, each with a way to the API server that can be cut, and a shop of three pods that they watch. */
import { createKubernetesClient } from "../../src/adapters/kubernetes/client.ts";
import { createKubernetesStateStore } from "../../src/adapters/kubernetes-state-store.ts";
import { openRedisLine } from "../../src/adapters/redis-line.ts";
import { openRedisStateStore } from "../../src/adapters/redis-state-store.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import type { Intent } from "../../src/core/intent.ts";
import { apiScene } from "./api-scene.ts";
import type { ApiServer } from "./api-server.ts";
import { startCutProxy, type CutProxy } from "./cut-proxy.ts";
import { holds } from "./processes.ts";
import { ReplicaSet, type ShopPod } from "./replica-set.ts";
import { addressesFor, SHORT_LEASE, Singletons, type RunningSingleton } from "./singletons.ts";

export type Half = { readonly singleton: RunningSingleton; readonly proxy: CutProxy };

export type Pair = AsyncDisposable & {
  readonly namespace: string;
  readonly leader: Half;
  readonly other: Half;
  readonly pods: readonly ShopPod[];
  readonly replicaSet: ReplicaSet;
  /** As stored. */
  intents(): Promise<readonly Intent[]>;
};

export type PairOptions = {
  /** Used once with this API server. */
  readonly namespace: string;
  /** Lines below `kubernetes:`. */
  readonly lease?: string;
  readonly graceMs: number;
  readonly sameName: boolean;
  /** URL of the Redis that keeps their state. Default: none, it is in the cluster. */
  readonly redis?: string;
  /** Waits of the set-up. */
  readonly withinMs: number;
};

const POLICY = "name: pod_restart\ntrigger: application fails 3 consecutive times\naction: restart_pod\nmode: act\ncooldown: 2s\nverify_within: 8s\nescalation: { after: 5 failed restarts, within: 1h, alert: on_call }\n";

/** Processes that start all at once keep each other from starting in time: pairs side by side start one after the other. */
let starting: Promise<unknown> = Promise.resolve();

/** Resolves once one of the two leads and finds the shop well. */
export function startPair(api: ApiServer, options: PairOptions): Promise<Pair> {
  const started = starting.then(() => startOrClose(api, options));
  starting = started.catch(() => undefined);
  return started;
}

async function startOrClose(api: ApiServer, options: PairOptions): Promise<Pair> {
  const closing: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const step of closing.splice(0).toReversed()) await step();
  };
  try {
    return await start(api, options, closing, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(api: ApiServer, { namespace, lease = SHORT_LEASE, graceMs, sameName, redis, withinMs }: PairOptions, closing: (() => Promise<void>)[], close: () => Promise<void>): Promise<Pair> {
  const { status, body } = await api.ask("POST", "/api/v1/namespaces", { metadata: { name: namespace } });
  if (status !== 201) throw new Error(`no namespace: ${JSON.stringify(body)}`);
  const client = createKubernetesClient({ clock: createSystemClock(), access: { kind: "kubeconfig", file: api.kubeconfig }, namespace });
  closing.push(() => client.close());
  const scene = await apiScene({ api: () => api, namespace: async () => namespace, client: () => client });
  closing.push(() => scene.end());
  const { port } = await addressesFor(1);
  const replicaSet = new ReplicaSet({ ask: api.ask, scene, namespace, port, graceMs, sameName });
  closing.push(() => replicaSet.stop());
  const pods = await replicaSet.start(3);
  await scene.addDeployment("storefront");

  const state = redis === undefined ? "" : `\nstores: { state: { kind: redis, url: "${redis}" } }`;
  const singletons = new Singletons({ kubeconfig: api.kubeconfig, namespace, site: namespace, sidecarPort: port, lease, files: { "policies/pod_restart.yaml": POLICY }, settings: `guards: { kubelet: 1s }${state}` });
  const proxies = await Promise.all(["a", "b"].map((name) => startCutProxy(api, `${namespace}-${name}`)));
  closing.push(async () => void (await Promise.all(proxies.map((proxy) => proxy.stop()))), () => singletons.stop());
  const [one, two] = await Promise.all(proxies.map(async (proxy): Promise<Half> => ({ proxy, singleton: await singletons.start(proxy.kubeconfig) })));
  if (one === undefined || two === undefined) throw new Error("no pair");
  const leads = await singletons.leader(withinMs);
  const [leader, other] = leads === one.singleton ? [one, two] : [two, one];
  await leader.singleton.until((seen) => seen.status === "healthy", withinMs);
  return { namespace, leader, other, pods, replicaSet, intents: () => storedIntents(client, namespace, redis), [Symbol.asyncDispose]: close };
}

async function storedIntents(client: ReturnType<typeof createKubernetesClient>, site: string, redis: string | undefined): Promise<readonly Intent[]> {
  await using stack = new AsyncDisposableStack();
  const line = redis === undefined ? null : stack.adopt(await openRedisLine(redis), (one) => one.close());
  const store = stack.adopt(line === null ? createKubernetesStateStore(client, "shopkeeper-state") : await openRedisStateStore({ line, site, epoch: null }), (one) => one.close());
  return (await store.list("intent/")).map(({ value }) => JSON.parse(value) as Intent);
}

/** Whether it says of itself that it leads; one that does not answer does not say so. */
export async function leads({ singleton }: Half): Promise<boolean> {
  return (await singleton.metric("shopkeeper_leader").catch(() => 0)) === 1;
}

/** Until it leads, and how long that took. @throws {Error} not in time. */
export async function tookOver(half: Half, since: number, withinMs: number): Promise<number> {
  if (await holds(() => leads(half), withinMs)) return performance.now() - since;
  throw new Error(`it does not lead after ${withinMs} ms:\n${half.singleton.output().slice(-4_000)}`);
}
