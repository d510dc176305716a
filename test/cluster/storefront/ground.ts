/** The cluster under the shops: one of this machine that comes and goes with them, or somebody's own that was given. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HOST_ADDRESS } from "../addresses.ts";
import { create } from "../ask.ts";
import { down, load, up, type Place } from "../cluster.ts";
import type { ControlPlane } from "../control-plane.ts";
import { givenCluster, kubectlOf, openProxy, serverOf, type Given } from "../given-cluster.ts";
import { builtProgram } from "../programs.ts";
import { tool } from "../tool.ts";
import { waitUntil } from "./waiting.ts";

export type Names = { readonly shop: string; readonly bare: string; readonly deployers: string };

export type Ground = AsyncDisposable & {
  readonly plane: Pick<ControlPlane, "ask" | "kubeconfig" | "server" | "ca">;
  /** null: not of this machine, so that no process or node of it can be touched. */
  readonly place: Place | null;
  /** For what is written on the way. */
  readonly folder: string;
  readonly kubectl: string;
  /** At which its pods reach this machine. */
  readonly hostAddress: string;
  /** Of namespaces. */
  readonly names: Names;
  /** Whether its nodes say in which zone they are. */
  readonly hasZones: boolean;
  readonly load: (archive: string) => Promise<void>;
  /** Where the pods of a namespace's Service "storefront" answer from this machine. */
  readonly urlOf: (namespace: string) => Promise<string>;
};

const ZONE = "topology.kubernetes.io/zone";
const GONE_WITHIN_MS = 180_000;

/** What CLUSTER_KUBECONFIG names, else a cluster of two nodes at `place`. */
export async function openGround(place: Place, env: NodeJS.ProcessEnv): Promise<Ground> {
  const given = givenCluster(env);
  return given === null ? ownGround(place, env) : givenGround(given, env);
}

async function ownGround(place: Place, env: NodeJS.ProcessEnv): Promise<Ground> {
  // Of a run that was killed.
  await down(place);
  const plane = await up(place, { nodes: 2, fakeNodes: 0, addons: true }, env);
  return {
    plane, place, folder: place.folder, kubectl: builtProgram("kubectl", env), hostAddress: HOST_ADDRESS, hasZones: true,
    names: { shop: "storefront", bare: "bare", deployers: "deployers" },
    load: async (archive) => void (await load(place, archive)),
    urlOf: async (namespace) => {
      const { body } = await plane.ask("GET", `/api/v1/namespaces/${namespace}/services/storefront`);
      return `http://${(body as { spec: { clusterIP: string } }).spec.clusterIP}`;
    },
    [Symbol.asyncDispose]: () => down(place),
  };
}

async function givenGround({ kubeconfig, loadCommand, hostAddress }: Given, env: NodeJS.ProcessEnv): Promise<Ground> {
  await using stack = new AsyncDisposableStack();
  const kubectl = kubectlOf(env);
  const proxy = stack.use(await openProxy(kubectl, kubeconfig));
  const folder = await mkdtemp(join(tmpdir(), "shopkeeper-given-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const own = `shopkeeper-test-${randomBytes(3).toString("hex")}`;
  const names = { shop: own, bare: `${own}-bare`, deployers: `${own}-deployers` };
  process.stdout.write(`   a cluster was given: namespaces ${Object.values(names).join(", ")}\n`);
  stack.defer(() => removeNamespaces(proxy.ask, Object.values(names)));
  const { body } = await proxy.ask("GET", `/api/v1/nodes?labelSelector=${encodeURIComponent(ZONE)}`);
  const hasZones = ((body as { items?: readonly object[] }).items ?? []).length > 0;
  const kept = stack.move();
  return {
    // The administrator's kubeconfig stands where it is; what is written beside one goes into a folder of ours.
    plane: { ask: proxy.ask, kubeconfig: join(folder, "given"), ...(await serverOf(kubectl, kubeconfig)) },
    place: null, folder, kubectl, hostAddress, names, hasZones,
    load: async (archive) => {
      const [command, ...args] = loadCommand ?? [];
      if (command !== undefined) await tool(command, ...args, archive);
    },
    // Through the API server, which takes a ready pod of the Service for each request: no address of the cluster need be reached from here.
    urlOf: async (namespace) => `${proxy.url}/api/v1/namespaces/${namespace}/services/storefront:80/proxy`,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function removeNamespaces(ask: ControlPlane["ask"], names: readonly string[]): Promise<void> {
  const path = (name: string): string => `/api/v1/namespaces/${name}`;
  for (const name of names) await ask("DELETE", path(name));
  await waitUntil(async () => (await Promise.all(names.map((name) => ask("GET", path(name))))).every(({ status }) => status === 404), "the namespaces are gone", GONE_WITHIN_MS);
}

/**
 * metrics-server's own manifests bring this along; without it nobody but a cluster-admin may give the right to read metrics.
 * Where it is there already it stays as it is; where it was not, it goes again.
 */
export async function lendMetricsReader({ plane: { ask } }: Ground): Promise<() => Promise<void>> {
  const path = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
  const name = "system:aggregated-metrics-reader";
  if ((await ask("GET", `${path}/${name}`)).status === 200) return async () => undefined;
  await create(ask, [[path, { metadata: { name, labels: { "rbac.authorization.k8s.io/aggregate-to-admin": "true" } }, rules: [{ apiGroups: ["metrics.k8s.io"], resources: ["pods", "nodes"], verbs: ["get", "list", "watch"] }] }]]);
  return async () => void (await ask("DELETE", `${path}/${name}`));
}
