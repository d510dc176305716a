/**
 * One shop twice on one cluster: behind Shopkeeper, and bare; buyers at both. Both are applied by somebody who
 * may only what the ClusterRole `admin` allows in their namespaces.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { startSimulator, type Simulator } from "../../e2e/hydrogen/simulator.ts";
import { create } from "../ask.ts";
import type { Place } from "../cluster.ts";
import { writeKubeconfig } from "../strangers.ts";
import { tool } from "../tool.ts";
import { startBuyers, type Buyers } from "./buyers.ts";
import { lendMetricsReader, openGround, type Ground } from "./ground.ts";
import type { ShopImages } from "./images.ts";
import { bareManifests, writeOverlay, type Plan, type Times } from "./overlay.ts";
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
  readonly plane: Ground["plane"];
  /** Of the machine's own cluster; null: the cluster is somebody's. */
  readonly place: Place | null;
  readonly plan: Plan;
  readonly bare: Side;
  readonly ours: Side;
  /** kubectl, as who applied the shops. */
  readonly kubectl: (...args: readonly string[]) => Promise<string>;
  /** kubectl, as the cluster's administrator: for its nodes. */
  readonly administer: (...args: readonly string[]) => Promise<string>;
  /** The Storefront API of both shops. */
  readonly simulator: Simulator;
};

/** @property place of a cluster of this machine, where none is given. */
export type SceneOptions = { readonly place: Place; readonly images: ShopImages; readonly times: Times; readonly say: (text: string) => void };

/** Pods start, the applications too, on two cores. */
const WHOLE_WITHIN_MS = 180_000;
/** Each pod has been asked for each page more than once. */
const FIRST_BUYERS = 300;

/** Starts everything, and waits until buyers are served in both. Takes down what it has started when that fails. */
export async function openScene({ place, images, times, say }: SceneOptions): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  say("a cluster of two nodes");
  const ground = stack.use(await openGround(place, process.env));
  for (const { file } of [images.storefront, images.shopkeeper]) await ground.load(file);
  const simulator: Simulator = stack.use(await startSimulator({ schemaFile: images.starter.schemaFile, address: ground.hostAddress }));
  const plan: Plan = { images, api: simulator.url, times, names: ground.names, hasZones: ground.hasZones };
  stack.defer(await lendMetricsReader(ground));
  const deployer = await prepare(ground);
  const as = (kubeconfig: string) => (...args: readonly string[]): Promise<string> => tool(ground.kubectl, "--kubeconfig", kubeconfig, ...args);
  const kubectl = as(deployer);
  await apply(ground, plan, kubectl);
  say("both shops are applied");
  const sides = await Promise.all(([["bare", ground.names.bare], ["behind Shopkeeper", ground.names.shop]] as const).map(([name, namespace]) => openSide(ground, name, namespace)));
  const [bare, ours] = sides as [Side, Side];
  for (const { buyers } of sides) stack.use(buyers);
  say(`buyers come to ${bare.url} (bare) and ${ours.url} (behind Shopkeeper)`);
  await untilServed(sides);
  const kept = stack.move();
  const { plane } = ground;
  return { place: ground.place, plane, plan, bare, ours, kubectl, administer: as(plane.kubeconfig), simulator, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function openSide({ plane, urlOf }: Ground, name: Side["name"], namespace: string): Promise<Side> {
  const pods = (): Promise<readonly ShopPod[]> => podsOf(plane.ask, namespace);
  await waitUntil(async () => isWhole(await pods()), `three pods ${name} are ready`, WHOLE_WITHIN_MS);
  const url = await urlOf(namespace);
  return { name, namespace, url, pods, buyers: await startBuyers(url, name === "bare" ? 0 : 1) };
}

/** Waits until so many buyers in a row have been served by each. */
export async function untilServed(sides: readonly Side[], count = FIRST_BUYERS, withinMs = WHOLE_WITHIN_MS): Promise<void> {
  const from = Date.now();
  await waitUntil(() => {
    const wrong = sides.flatMap((side) => wrongOf(side, from, count));
    // Said when time is up.
    if (wrong.length > 0) throw new Error(wrong.join("; "));
    return true;
  }, `${count} buyers in a row are served by both shops`, withinMs);
}

/** What the latest buyers got instead of a page; empty: so many have come, and all were served. */
function wrongOf({ name, buyers }: Side, from: number, count: number): readonly string[] {
  const latest = buyers.fetched.filter(({ at }) => at >= from).slice(-count);
  const unserved = latest.filter(({ wrong }) => wrong !== null);
  if (latest.length === count && unserved.length === 0) return [];
  return [`${name}: ${unserved.length} of the latest ${latest.length} not served, the last by ${unserved.at(-1)?.wrong ?? "nothing"}`];
}

/** Namespaces, their Secrets, and who may apply there. @returns his kubeconfig. */
async function prepare({ plane, names: { shop, bare, deployers } }: Ground): Promise<string> {
  const rbac = (namespace: string): string => `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`;
  const subject = { kind: "ServiceAccount", name: "deployer", namespace: deployers };
  await create(plane.ask, [
    ["/api/v1/namespaces", { metadata: { name: deployers } }],
    [`/api/v1/namespaces/${deployers}/serviceaccounts`, { metadata: { name: "deployer" } }],
    ["/api/v1/namespaces", { metadata: { name: shop, labels: { "pod-security.kubernetes.io/enforce": "restricted" } } }],
    ["/api/v1/namespaces", { metadata: { name: bare } }],
    ...[shop, bare].map((namespace) => [rbac(namespace), { metadata: { name: "deployer" }, roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "admin" }, subjects: [subject] }] as const),
    ...[shop, bare].map((namespace) => [`/api/v1/namespaces/${namespace}/secrets`, secret("storefront", { PUBLIC_STORE_DOMAIN: "sim-shop.myshopify.com", PUBLIC_STOREFRONT_API_TOKEN: "public-sim-token", SESSION_SECRET: randomBytes(32).toString("hex") })] as const),
    [`/api/v1/namespaces/${shop}/secrets`, secret("shopkeeper", { peer: randomBytes(32).toString("hex"), operator: randomBytes(32).toString("hex") })],
  ]);
  const { body } = await plane.ask("POST", `/api/v1/namespaces/${deployers}/serviceaccounts/deployer/token`, { spec: { expirationSeconds: 7_200 } });
  return writeKubeconfig(plane, "deployer", (body as { status: { token: string } }).status.token);
}

const secret = (name: string, stringData: Readonly<Record<string, string>>): object => ({ metadata: { name }, stringData });

async function apply(ground: Ground, plan: Plan, kubectl: Scene["kubectl"]): Promise<void> {
  const folder = join(ground.folder, "applied");
  await mkdir(folder);
  await writeOverlay(join(folder, "overlay"), plan);
  await writeFile(join(folder, "bare.yaml"), bareManifests(plan));
  await kubectl("apply", "-k", join(folder, "overlay"));
  await kubectl("apply", "--namespace", plan.names.bare, "-f", join(folder, "bare.yaml"));
}
