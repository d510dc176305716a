/**
 * What is applied: the overlay `enterprise` as it ships, changed only where this cluster is another than a
 * shop's; and the same application without Shopkeeper, as a careful hand writes it.
 */
import { mkdir, readFile, realpath, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { stringify } from "yaml";
import { FOLDER } from "../../deploy/manifests.ts";
import type { Names } from "./ground.ts";
import type { ShopImages } from "./images.ts";

/** The namespace in the overlay, by which what is replaced there is found. */
const OVERLAYS_OWN = "storefront";

export type Times = {
  /** A new pod counts only after this time, in seconds; null: as shipped. */
  readonly minReadySeconds: number | null;
};

export const SHIPPED: Times = { minReadySeconds: null };

export type Plan = {
  readonly images: ShopImages;
  /** Of the Storefront API simulator, as pods reach it. */
  readonly api: string;
  readonly times: Times;
  /** Of namespaces. */
  readonly names: Names;
  /** Whether the nodes say in which zone they are. */
  readonly hasZones: boolean;
};

/** What differs from what ships, in words, for whoever reads the figures. */
export function differences({ api, times, hasZones }: Plan): readonly string[] {
  return [
    `the Storefront API is a simulator at ${api}, and stands in for the reference addresses of \`connectivity\`, since no pod reaches the internet`,
    "the policies pod_restart and pod_unreachable act from the first day (`armed:`), where a new installation only records",
    "the autoscaler is held at 3 pods (maxReplicas 3): two cores carry everything, and a growing shop would heal what is measured",
    times.minReadySeconds === null ? "all times are as shipped" : `minReadySeconds is ${times.minReadySeconds}, not 30, with and without Shopkeeper`,
    ...(hasZones ? [] : ["nodes here say no zone: pods are spread over zones only where that can be (ScheduleAnyway)"]),
  ];
}

/** Writes the kustomization; `kubectl apply -k` takes the folder. */
export async function writeOverlay(folder: string, plan: Plan): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "sidecar.yaml"), await configured("base/shopkeeper.yaml", plan.api));
  await writeFile(join(folder, "singleton.yaml"), `${await configured("singleton/shopkeeper.yaml", plan.api)}armed: [pod_restart, pod_unreachable]\n`);
  const config = (name: string, file: string): object => ({ name, namespace: OVERLAYS_OWN, behavior: "replace", files: [`shopkeeper.yaml=${file}`] });
  const kustomization = {
    apiVersion: "kustomize.config.k8s.io/v1beta1",
    kind: "Kustomization",
    namespace: plan.names.shop,
    // kustomize takes folders by relative paths only.
    resources: [relative(await realpath(folder), join(FOLDER, "overlays/enterprise"))],
    images: [image("registry.example.com/storefront", plan.images.storefront.name), image("registry.example.com/shopkeeper", plan.images.shopkeeper.name)],
    configMapGenerator: [config("shopkeeper-sidecar", "sidecar.yaml"), config("shopkeeper-singleton", "singleton.yaml")],
    patches: [
      patch("Deployment", "storefront", [
        ["replace", "/spec/replicas", 3],
        ["add", "/spec/template/spec/containers/0/args", ["--storefront-origin", plan.api]],
        ...(plan.hasZones ? [] : [["replace", "/spec/template/spec/topologySpreadConstraints/0/whenUnsatisfiable", "ScheduleAnyway"] as const]),
        ...(plan.times.minReadySeconds === null ? [] : [["replace", "/spec/minReadySeconds", plan.times.minReadySeconds] as const]),
      ]),
      patch("HorizontalPodAutoscaler", "storefront", [["replace", "/spec/minReplicas", 3], ["replace", "/spec/maxReplicas", 3]]),
    ],
  };
  await writeFile(join(folder, "kustomization.yaml"), stringify(kustomization));
}

/** A shipped configuration with the simulator's address in it. */
async function configured(file: string, api: string): Promise<string> {
  const shipped = await readFile(join(FOLDER, file), "utf8");
  const changed = shipped.replace("origin: https://${PUBLIC_STORE_DOMAIN}", `origin: ${api}`);
  if (changed === shipped) throw new Error(`${file} does not say where the Storefront API is as it used to`);
  return `${changed}\nconnectivity: ["${new URL(api).host}"]\n`;
}

function image(name: string, full: string): object {
  const at = full.lastIndexOf(":");
  return { name, newName: full.slice(0, at), newTag: full.slice(at + 1) };
}

function patch(kind: string, name: string, operations: readonly (readonly [op: string, path: string, value: unknown])[]): object {
  return { target: { kind, name }, patch: stringify(operations.map(([op, path, value]) => ({ op, path, value }))) };
}

/** Deployment, Service and budget of the same application alone: figures of the seed document's own manifests, probes on the health route with time to answer. */
export function bareManifests({ images, api, times, hasZones }: Plan): string {
  const labels = { "app.kubernetes.io/name": "storefront" };
  const probe = { httpGet: { path: "/health", port: 3_000 }, timeoutSeconds: 5 };
  const container = {
    name: "storefront",
    image: images.storefront.name,
    args: ["--storefront-origin", api],
    ports: [{ containerPort: 3_000 }],
    envFrom: [{ secretRef: { name: "storefront" } }],
    resources: { requests: { cpu: "250m", memory: "256Mi" }, limits: { cpu: "1000m", memory: "512Mi" } },
    readinessProbe: { ...probe, initialDelaySeconds: 5, periodSeconds: 10 },
    livenessProbe: { ...probe, initialDelaySeconds: 15, periodSeconds: 20 },
    // As behind Shopkeeper: what is written there outlives the container.
    volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
  };
  const spread = { maxSkew: 1, topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: hasZones ? "DoNotSchedule" : "ScheduleAnyway", nodeTaintsPolicy: "Honor", labelSelector: { matchLabels: labels } };
  const term = { labelSelector: { matchLabels: labels }, topologyKey: "kubernetes.io/hostname" };
  const pod = { topologySpreadConstraints: [spread], affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term }] } }, containers: [container], volumes: [{ name: "tmp", emptyDir: {} }] };
  const objects = [
    { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "storefront", labels }, spec: { replicas: 3, minReadySeconds: times.minReadySeconds ?? 30, strategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } }, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } } },
    { apiVersion: "v1", kind: "Service", metadata: { name: "storefront" }, spec: { selector: labels, ports: [{ port: 80, targetPort: 3_000 }] } },
    { apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name: "storefront" }, spec: { minAvailable: 2, selector: { matchLabels: labels } } },
  ];
  return objects.map((one) => stringify(one)).join("---\n");
}
