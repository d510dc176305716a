/**
 * What is laid over a Deployment so that Shopkeeper stands in each of its pods: settled names and
 * ports, and the patches as values. The same as deploy/kubernetes/base has it, to the figure.
 */
import type { Fields } from "./views.ts";
import type { Workload } from "./workload.ts";

export type SidecarPlan = {
  readonly ports: { readonly gateway: number; readonly health: number; readonly admin: number };
  /** Of the ConfigMap, and of the Secret that the operator makes. */
  readonly names: { readonly configMap: string; readonly secret: string; readonly peers: string; /** Of all that is the singleton's. */ readonly singleton: string };
  /** The application's own route of health, where a probe names one; null: none does. */
  readonly healthPath: string | null;
  /** Variables of the Storefront API that the sidecar is given too. */
  readonly storefront: readonly string[];
};

const DOMAIN = "PUBLIC_STORE_DOMAIN";
const TOKEN = "PUBLIC_STOREFRONT_API_TOKEN";

export function planSidecar(workload: Workload): SidecarPlan {
  const used = new Set([workload.port, ...workload.containers.flatMap(({ ports }) => ports.map(({ number }) => number))]);
  const { startup, readiness, liveness } = workload.application.probes;
  const own = [startup, liveness, readiness].find((probe) => probe !== null && probe.path !== null && isOwn(probe.port, workload));
  const known = (name: string): boolean => workload.application.env[name] !== undefined;
  return {
    ports: { gateway: free(8080, used), health: free(9470, used), admin: free(9471, used) },
    names: { configMap: `${workload.name}-shopkeeper`, secret: `${workload.name}-shopkeeper`, peers: `${workload.name}-peers`, singleton: `${workload.name}-shopkeeper` },
    healthPath: own?.path ?? null,
    storefront: known(DOMAIN) ? [DOMAIN, TOKEN].filter(known) : [],
  };
}

/** Whether a probe's port is the application's. */
function isOwn(port: number | string | null, { application, port: wanted }: Workload): boolean {
  return port === wanted || application.ports.some((one) => one.number === wanted && one.name === port);
}

/** The first port of a row, ten apart, that nobody in the pod takes. */
function free(from: number, used: ReadonlySet<number>): number {
  let port = from;
  while (used.has(port)) port += 10;
  return port;
}

function metadata(name: string, { namespace }: { readonly namespace: string | null }): Fields {
  return { name, ...(namespace === null ? {} : { namespace }) };
}

/** A strategic merge patch: lists of containers and volumes are joined by name, nothing is taken away. */
export function deploymentPatch(workload: Workload, plan: SidecarPlan): Fields {
  const scraped = Object.keys(workload.annotations).some((key) => key.startsWith("prometheus.io/"));
  const annotations = { "prometheus.io/scrape": "true", "prometheus.io/port": String(plan.ports.health), "prometheus.io/path": "/metrics" };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: metadata(workload.name, workload),
    spec: {
      template: {
        ...(scraped ? {} : { metadata: { annotations } }),
        spec: { initContainers: [sidecar(workload, plan)], volumes: volumes(plan) },
      },
    },
  };
}

function sidecar({ application }: Workload, { ports, storefront }: SidecarPlan): Fields {
  const probe = (path: string, rest: Fields): Fields => ({ httpGet: { path, port: ports.health }, ...rest });
  return {
    name: "shopkeeper",
    image: "shopkeeper",
    restartPolicy: "Always",
    args: ["run"],
    ports: [
      { name: "gateway", containerPort: ports.gateway },
      { name: "health", containerPort: ports.health },
    ],
    ...(storefront.length === 0 ? {} : { env: storefront.map((name) => application.env[name]) }),
    resources: { requests: { cpu: "100m", memory: "192Mi" }, limits: { memory: "256Mi" } },
    startupProbe: probe("/health/startup", { periodSeconds: 1, failureThreshold: 60 }),
    readinessProbe: probe("/health/ready", { initialDelaySeconds: 5, periodSeconds: 10, timeoutSeconds: 3, failureThreshold: 2 }),
    livenessProbe: probe("/health/live", { initialDelaySeconds: 15, periodSeconds: 20, timeoutSeconds: 5 }),
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, runAsNonRoot: true, runAsUser: 10_001, capabilities: { drop: ["ALL"] }, seccompProfile: { type: "RuntimeDefault" } },
    volumeMounts: [
      { name: "shopkeeper-config", mountPath: "/etc/shopkeeper", readOnly: true },
      { name: "shopkeeper-secrets", mountPath: "/run/secrets/shopkeeper", readOnly: true },
    ],
  };
}

function volumes({ names, healthPath }: SidecarPlan): readonly Fields[] {
  // Keys of a ConfigMap have no folders: a check of its own is put into checks/ here.
  const items = [{ key: "shopkeeper.yaml", path: "shopkeeper.yaml" }, ...(ownCheck(healthPath) ? [{ key: "application.yaml", path: "checks/application.yaml" }] : [])];
  const secrets = ["peer", "operator"].map((key) => ({ key, path: key }));
  return [
    { name: "shopkeeper-config", configMap: { name: names.configMap, items } },
    { name: "shopkeeper-secrets", secret: { secretName: names.secret, items: secrets } },
  ];
}

/** Whether the shipped check, which asks /health, has to be replaced. */
export function ownCheck(healthPath: string | null): healthPath is string {
  return healthPath !== null && healthPath !== "/health";
}

/** Ports of a Service are joined by number: each keeps its own and leads to the gateway. */
export function servicePatches({ services }: Workload, { ports }: SidecarPlan): readonly Fields[] {
  return services.map((service) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(service.name, service),
    spec: { ports: service.ports.map(({ port, protocol }) => ({ port, ...(protocol === null ? {} : { protocol }), targetPort: ports.gateway })) },
  }));
}

/** All pods by address, the sick ones too. */
export function peersService(workload: Workload, { names, ports }: SidecarPlan): Fields {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...metadata(names.peers, workload), labels: { "app.kubernetes.io/component": "health" } },
    spec: { clusterIP: "None", publishNotReadyAddresses: true, selector: workload.labels, ports: [{ name: "health", port: ports.health, targetPort: ports.health, protocol: "TCP" }] },
  };
}

/** A Component: laid over the kustomization that has the Deployment, from the folder beside it. @param singleton files of its objects. */
export function kustomization(workload: Workload, plan: SidecarPlan, singleton: readonly string[]): Fields {
  const { services, namespace } = workload;
  const patches = ["deployment-patch.yaml", ...services.map(({ name }) => servicePatchFile(name))];
  const own = namespace === null ? {} : { namespace };
  const options = { disableNameSuffixHash: true };
  const files = ["shopkeeper.yaml", ...(ownCheck(plan.healthPath) ? ["application.yaml=checks/application.yaml"] : [])];
  return {
    apiVersion: "kustomize.config.k8s.io/v1alpha1",
    kind: "Component",
    resources: ["peers-service.yaml", ...singleton],
    patches: patches.map((path) => ({ path })),
    configMapGenerator: [
      { name: plan.names.configMap, ...own, files, options },
      { name: `${plan.names.singleton}-singleton`, ...own, files: ["shopkeeper.yaml=singleton/shopkeeper.yaml"], options },
    ],
  };
}

export function servicePatchFile(service: string): string {
  return `service-${service}-patch.yaml`;
}
