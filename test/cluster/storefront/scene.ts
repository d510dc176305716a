/**
 * One shop twice on one cluster: behind Shopkeeper, and bare; buyers at both. Both are applied by somebody who
 * may only what the ClusterRole `admin` allows in their namespaces.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { startSimulator, type Simulator } from "../../e2e/hydrogen/simulator.ts";
import { HOST_ADDRESS } from "../addresses.ts";
import { create } from "../ask.ts";
import { down, load, up, type Place } from "../cluster.ts";
import type { ControlPlane } from "../control-plane.ts";
import { builtProgram } from "../programs.ts";
import { writeKubeconfig } from "../strangers.ts";
import { tool } from "../tool.ts";
import { startBuyers, type Buyers } from "./buyers.ts";
import type { ShopImages } from "./images.ts";
import { BARE, bareManifests, SHOP, writeOverlay, type Plan, type Times } from "./overlay.ts";
import { isWhole, podsOf, type ShopPod } from "./pods.ts";
import { waitUntil } from "./waiting.ts";

export type Side = {
  readonly name: "bare" | "behind Shopkeeper";
  readonly namespace: string;
  /** Of its Service. */
  readonly url: string;
  readonly buyers: Buyers;
  readonly pods: () => Promise<readonly ShopPod[]>;
};

export type Scene = AsyncDisposable & {
  readonly place: Place;
  readonly plane: ControlPlane;
  readonly plan: Plan;
  readonly bare: Side;
  readonly ours: Side;
  /** kubectl, as who applied the shops. */
  readonly kubectl: (...args: readonly string[]) => Promise<string>;
  /** kubectl, as the cluster's administrator: for its nodes. */
  readonly administer: (...args: readonly string[]) => Promise<string>;
};

export type SceneOptions = { readonly place: Place; readonly images: ShopImages; readonly times: Times; readonly say: (text: string) => void };

const DEPLOYERS = "deployers";
/** Pods start, the applications too, on two cores. */
const WHOLE_WITHIN_MS = 180_000;
/** Each pod has been asked for each page more than once. */
const FIRST_BUYERS = 300;

/** Starts everything, and waits until buyers are served in both. Takes down what it has started when that fails. */
export async function openScene({ place, images, times, say }: SceneOptions): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  // Of a run that was killed.
  await down(place);
  stack.defer(() => down(place));
  say("a cluster of two nodes");
  const plane = await up(place, { nodes: 2, fakeNodes: 0, addons: true }, process.env);
  for (const { file } of [images.storefront, images.shopkeeper]) await load(place, file);
  const simulator: Simulator = stack.use(await startSimulator({ schemaFile: images.starter.schemaFile, address: HOST_ADDRESS }));
  const plan: Plan = { images, api: simulator.url, times };
  const deployer = await prepare(plane);
  const kubectl = (...args: readonly string[]): Promise<string> => tool(builtProgram("kubectl", process.env), "--kubeconfig", deployer, ...args);
  await apply(place, plan, kubectl);
  say("both shops are applied");
  const sides = await Promise.all(([["bare", BARE], ["behind Shopkeeper", SHOP]] as const).map(async ([name, namespace]): Promise<Side> => {
    const pods = (): Promise<readonly ShopPod[]> => podsOf(plane.ask, namespace);
    await waitUntil(async () => isWhole(await pods()), `three pods ${name} are ready`, WHOLE_WITHIN_MS);
    const url = await addressOf(plane, namespace);
    return { name, namespace, url, pods, buyers: await startBuyers(url, name === "bare" ? 0 : 1) };
  }));
  const [bare, ours] = sides as [Side, Side];
  for (const { buyers } of sides) stack.use(buyers);
  say(`buyers come to ${bare.url} (bare) and ${ours.url} (behind Shopkeeper)`);
  await untilServed(sides);
  const kept = stack.move();
  const administer = (...args: readonly string[]): Promise<string> => tool(builtProgram("kubectl", process.env), "--kubeconfig", plane.kubeconfig, ...args);
  return { place, plane, plan, bare, ours, kubectl, administer, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Waits until so many buyers in a row have been served by each. */
export async function untilServed(sides: readonly Side[], count = FIRST_BUYERS, withinMs = WHOLE_WITHIN_MS): Promise<void> {
  const from = Date.now();
  await waitUntil(() => sides.every(({ buyers }) => {
    const latest = buyers.fetched.filter(({ at }) => at >= from).slice(-count);
    return latest.length === count && latest.every(({ wrong }) => wrong === null);
  }), `${count} buyers in a row are served by both shops`, withinMs);
}

/** Namespaces, their Secrets, and who may apply there. @returns his kubeconfig. */
async function prepare(plane: ControlPlane): Promise<string> {
  const rbac = (namespace: string): string => `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`;
  const subject = { kind: "ServiceAccount", name: "deployer", namespace: DEPLOYERS };
  await create(plane.ask, [
    ["/api/v1/namespaces", { metadata: { name: DEPLOYERS } }],
    [`/api/v1/namespaces/${DEPLOYERS}/serviceaccounts`, { metadata: { name: "deployer" } }],
    // metrics-server's own manifests bring this along; without it nobody but a cluster-admin may give the right to read metrics.
    ["/apis/rbac.authorization.k8s.io/v1/clusterroles", { metadata: { name: "system:aggregated-metrics-reader", labels: { "rbac.authorization.k8s.io/aggregate-to-admin": "true" } }, rules: [{ apiGroups: ["metrics.k8s.io"], resources: ["pods", "nodes"], verbs: ["get", "list", "watch"] }] }],
    ["/api/v1/namespaces", { metadata: { name: SHOP, labels: { "pod-security.kubernetes.io/enforce": "restricted" } } }],
    ["/api/v1/namespaces", { metadata: { name: BARE } }],
    ...[SHOP, BARE].map((namespace) => [rbac(namespace), { metadata: { name: "deployer" }, roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "admin" }, subjects: [subject] }] as const),
    ...[SHOP, BARE].map((namespace) => [`/api/v1/namespaces/${namespace}/secrets`, secret("storefront", { PUBLIC_STORE_DOMAIN: "sim-shop.myshopify.com", PUBLIC_STOREFRONT_API_TOKEN: "public-sim-token", SESSION_SECRET: randomBytes(32).toString("hex") })] as const),
    [`/api/v1/namespaces/${SHOP}/secrets`, secret("shopkeeper", { peer: randomBytes(32).toString("hex"), operator: randomBytes(32).toString("hex") })],
  ]);
  const { body } = await plane.ask("POST", `/api/v1/namespaces/${DEPLOYERS}/serviceaccounts/deployer/token`, { spec: { expirationSeconds: 7_200 } });
  return writeKubeconfig(plane, "deployer", (body as { status: { token: string } }).status.token);
}

const secret = (name: string, stringData: Readonly<Record<string, string>>): object => ({ metadata: { name }, stringData });

async function apply(place: Place, plan: Plan, kubectl: Scene["kubectl"]): Promise<void> {
  const folder = join(place.folder, "applied");
  await mkdir(folder);
  await writeOverlay(join(folder, "overlay"), plan);
  await writeFile(join(folder, "bare.yaml"), bareManifests(plan));
  await kubectl("apply", "-k", join(folder, "overlay"));
  await kubectl("apply", "--namespace", BARE, "-f", join(folder, "bare.yaml"));
}

async function addressOf({ ask }: ControlPlane, namespace: string): Promise<string> {
  const { body } = await ask("GET", `/api/v1/namespaces/${namespace}/services/storefront`);
  return `http://${(body as { spec: { clusterIP: string } }).spec.clusterIP}`;
}
