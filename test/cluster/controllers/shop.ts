/**
 * A shop in a namespace of its own, sized and replaced by Kubernetes' own controllers; and the singleton that watches it,
 * with the rights that ship and no more.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { FOLDER } from "../../deploy/manifests.ts";
import { create } from "../ask.ts";
import type { ControlPlane } from "../control-plane.ts";
import { evictionsIn, type Evicted } from "../evictions.ts";
import { Singletons, type RunningSingleton } from "../singletons.ts";
import { podsOf, type ShopPod } from "../storefront/pods.ts";
import { waitUntil } from "../storefront/waiting.ts";
import { strangerKubeconfig, type PolicyRule } from "../strangers.ts";
import { realPodSpec, SIDECAR_PORT } from "./real-pods.ts";
import { writesOf, type Written } from "./writes.ts";

const NAME = "storefront";
const LABELS = { "app.kubernetes.io/name": NAME };
/** Images are there; containers start on two cores that others use, too. */
const READY_WITHIN_MS = 90_000;

export type ShopOptions = {
  readonly plane: ControlPlane;
  /** Used once. */
  readonly namespace: string;
  readonly replicas: number;
  /** Fake pods: the port of the server that answers as their sidecars. Absent: real ones. */
  readonly fakePort?: number;
  /** Real ones burn CPU from their start. Default: not before they are told to. */
  readonly burning?: boolean;
  /** Below `spec` of its autoscaler, beside what it scales. Absent: it has none. */
  readonly autoscaler?: { readonly minReplicas: number; readonly maxReplicas: number; readonly metrics: readonly object[] };
  /** Of its disruption budget. Absent: it has none. */
  readonly minAvailable?: number;
  /** Files beside shopkeeper.yaml. */
  readonly files: Readonly<Record<string, string>>;
  /** Lines of shopkeeper.yaml. */
  readonly settings?: string;
};

export type Size = { readonly min: number; readonly replicas: number; readonly desired: number; readonly conditions: Readonly<Record<string, string>> };

export type Shop = AsyncDisposable & {
  readonly namespace: string;
  readonly singleton: RunningSingleton;
  /** That do not end. */
  pods(): Promise<readonly ShopPod[]>;
  /** Waits for so many that are ready, and no others. */
  ready(count: number): Promise<readonly ShopPod[]>;
  /** Of the autoscaler, as its controller left it: conditions as "True TooFewReplicas". */
  size(): Promise<Size>;
  setMinAvailable(count: number): Promise<void>;
  /** That were carried out. */
  evicted(): readonly Evicted[];
  /** Writes of the singleton to objects of that resource, that were carried out: its remedy and its keeper of sizes may meet, and one of them is then refused. */
  writes(resource: string): readonly Written[];
  /** What stands at the object of that kind, as "SizeKept: …". */
  notes(kind: string): Promise<readonly string[]>;
  /** Texts of the ledger in which this is found. */
  told(words: string): Promise<readonly string[]>;
};

export async function openShop(options: ShopOptions): Promise<Shop> {
  const { plane, namespace, fakePort, files, settings } = options;
  await create(plane.ask, [["/api/v1/namespaces", { metadata: { name: namespace } }], ...objects(options)]);
  const kubeconfig = await strangerKubeconfig(plane, namespace, await shippedRules());
  const singletons = new Singletons({ kubeconfig, namespace, sidecarPort: fakePort ?? SIDECAR_PORT, files, ...(settings === undefined ? {} : { settings }) });
  try {
    const pods = async (): Promise<readonly ShopPod[]> => (await podsOf(plane.ask, namespace)).filter(({ ending }) => !ending);
    const ready = async (count: number): Promise<readonly ShopPod[]> => {
      let found: readonly ShopPod[] = [];
      await waitUntil(async () => {
        found = await pods();
        return found.length === count && found.every((pod) => pod.ready && pod.ip !== "");
      }, `${count} pods of ${namespace} are ready`, READY_WITHIN_MS).catch((cause: unknown) => {
        throw new Error(`not ${count} pods that are ready: ${JSON.stringify(found)}`, { cause });
      });
      return found;
    };
    await ready(options.replicas);
    const singleton = await startInTurn(singletons);
    return { namespace, singleton, pods, ready, ...viewOf(plane, namespace, singleton), [Symbol.asyncDispose]: () => singletons.stop() };
  } catch (error) {
    await singletons.stop();
    throw error;
  }
}

/** Processes that start all at once keep each other from starting in time. */
let starting: Promise<unknown> = Promise.resolve();

function startInTurn(singletons: Singletons): Promise<RunningSingleton> {
  const started = starting.then(() => singletons.start());
  starting = started.catch(() => undefined);
  return started;
}

function viewOf({ ask, auditLog }: ControlPlane, namespace: string, singleton: RunningSingleton): Pick<Shop, "size" | "setMinAvailable" | "evicted" | "writes" | "notes" | "told"> {
  return {
    size: async () => sizeOf((await ask("GET", `${path(namespace, "autoscaling/v2", "horizontalpodautoscalers")}/${NAME}`)).body as Autoscaler),
    setMinAvailable: async (minAvailable) => {
      const { status, body } = await ask("PATCH", `${path(namespace, "policy/v1", "poddisruptionbudgets")}/${NAME}`, { spec: { minAvailable } });
      if (status !== 200) throw new Error(`the budget: ${status} ${JSON.stringify(body)}`);
    },
    evicted: () => evictionsIn(auditLog, namespace).filter(({ status }) => status === 201),
    writes: (resource) => writesOf(auditLog, namespace, resource).filter(({ by, status }) => status === 200 && by.startsWith(`system:serviceaccount:${namespace}:`)),
    notes: async (kind) => {
      const { body } = await ask("GET", path(namespace, "events.k8s.io/v1", "events"));
      const { items } = body as { items: readonly { readonly regarding: { readonly kind: string }; readonly reason: string; readonly note: string }[] };
      return items.filter(({ regarding }) => regarding.kind === kind).map(({ reason, note }) => `${reason}: ${note}`);
    },
    told: async (words) => (await singleton.ledger()).map(({ text }) => text).filter((text) => text.includes(words)),
  };
}

type Autoscaler = {
  readonly spec: { readonly minReplicas: number };
  readonly status?: { readonly currentReplicas?: number; readonly desiredReplicas?: number; readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[] };
};

function sizeOf({ spec, status }: Autoscaler): Size {
  const conditions = Object.fromEntries((status?.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]));
  return { min: spec.minReplicas, replicas: status?.currentReplicas ?? 0, desired: status?.desiredReplicas ?? 0, conditions };
}

/** Of both Roles, as they ship. */
export async function shippedRules(): Promise<readonly PolicyRule[]> {
  const documents = parseAllDocuments(await readFile(join(FOLDER, "singleton/roles.yaml"), "utf8")).map((one) => one.toJS() as { kind: string; rules?: readonly PolicyRule[] });
  return documents.flatMap(({ kind, rules }) => (kind === "Role" ? (rules ?? []) : []));
}

export const path = (namespace: string, group: string, resource: string): string => `${group === "v1" ? "/api/v1" : `/apis/${group}`}/namespaces/${namespace}/${resource}`;

/** Deployment and Service, and what else there is to be. */
export function objects({ namespace, replicas, fakePort, burning = false, autoscaler, minAvailable }: Omit<ShopOptions, "plane" | "files" | "settings">): (readonly [string, object])[] {
  const metadata = { name: NAME, labels: LABELS };
  const selector = { matchLabels: LABELS };
  const spec = fakePort === undefined ? realPodSpec(burning) : fakePodSpec();
  const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: NAME };
  return [
    [path(namespace, "apps/v1", "deployments"), { metadata, spec: { replicas, selector, template: { metadata: { labels: LABELS }, spec } } }],
    [path(namespace, "v1", "services"), { metadata, spec: { selector: LABELS, ports: [{ port: 80, targetPort: 8_080 }] } }],
    ...(minAvailable === undefined ? [] : [[path(namespace, "policy/v1", "poddisruptionbudgets"), { metadata, spec: { minAvailable, selector } }] as const]),
    ...(autoscaler === undefined ? [] : [[path(namespace, "autoscaling/v2", "horizontalpodautoscalers"), { metadata, spec: { scaleTargetRef, ...autoscaler } }] as const]),
  ];
}

function fakePodSpec(): object {
  return {
    nodeSelector: { type: "fake" },
    tolerations: [{ key: "type", operator: "Exists" }],
    containers: [{ name: NAME, image: "none", resources: { requests: { cpu: "50m" } } }],
  };
}
