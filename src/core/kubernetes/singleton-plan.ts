/**
 * The singleton for a Deployment's pods: who watches and recovers them, as values. The same as
 * deploy/kubernetes/singleton has it, to the figure, under names of the Deployment's own.
 */
import type { SidecarPlan } from "./sidecar-plan.ts";
import type { Fields } from "./views.ts";
import type { Workload } from "./workload.ts";

/** Its ports, in pods of its own: nobody else takes any there. */
const HEALTH = 9470;
const ADMIN = 9471;

type Make = (name: string, apiVersion: string, kind: string, rest: Fields) => Fields;

/** The objects of one file. */
export type SingletonFile = { readonly path: string; readonly why: string; readonly objects: readonly Fields[] };

export function singletonFiles(workload: Workload, plan: SidecarPlan): readonly SingletonFile[] {
  const { singleton } = plan.names;
  const labels = { "app.kubernetes.io/name": singleton };
  const make: Make = (name, apiVersion, kind, rest) => ({ apiVersion, kind, metadata: { name, ...(workload.namespace === null ? {} : { namespace: workload.namespace }), labels }, ...rest });
  return [
    { path: "singleton/roles.yaml", why: "Who the singleton is to the API server, and what it may do: all of it in this namespace.\n# What is taken away becomes a recovery that only records, and it says so.", objects: [serviceAccount(workload, singleton), ...roles(workload, plan, make)] },
    { path: "singleton/deployment.yaml", why: "Two replicas: one acts, the other takes over within 20 s. Sidecars need neither to protect their pod.", objects: [make(singleton, "apps/v1", "Deployment", { spec: deployment(workload, plan, labels) })] },
    { path: "singleton/service.yaml", why: `shopkeeper status --server http://${singleton}:${ADMIN}, from within the namespace.`, objects: [service(singleton, labels, make)] },
    { path: "singleton/disruption-budget.yaml", why: "One of the two at a time.", objects: [make(singleton, "policy/v1", "PodDisruptionBudget", { spec: { maxUnavailable: 1, unhealthyPodEvictionPolicy: "AlwaysAllow", selector: { matchLabels: labels } } })] },
    { path: "singleton/network-policy.yaml", why: "Enforced only where the cluster's network knows policies; elsewhere it is silently ignored.", objects: [make(singleton, "networking.k8s.io/v1", "NetworkPolicy", { spec: networkPolicy(plan, labels) })] },
  ];
}

function serviceAccount({ namespace }: Workload, name: string): Fields {
  return { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, ...(namespace === null ? {} : { namespace }) } };
}

function roles({ name, namespace, autoscalers }: Workload, { names: { singleton } }: SidecarPlan, make: Make): readonly Fields[] {
  const rbac = "rbac.authorization.k8s.io";
  const rule = (apiGroups: readonly string[], resource: string, verbs: readonly string[], resourceNames?: readonly string[]): Fields => ({ apiGroups, resources: [resource], ...(resourceNames === undefined ? {} : { resourceNames }), verbs });
  const look = ["get", "list", "watch"];
  const own = [
    rule(["coordination.k8s.io"], "leases", ["create"]),
    rule(["coordination.k8s.io"], "leases", ["get", "update"], [singleton]),
    rule([""], "configmaps", ["create"]),
    rule([""], "configmaps", ["get", "update"], [`${singleton}-state`, `${singleton}-ledger`]),
    rule(["", "events.k8s.io"], "events", ["create"]),
  ];
  const storefront = [
    rule([""], "pods", look),
    rule(["discovery.k8s.io"], "endpointslices", look),
    rule(["policy"], "poddisruptionbudgets", look),
    rule(["apps"], "deployments", look),
    rule(["autoscaling"], "horizontalpodautoscalers", look),
    rule(["metrics.k8s.io"], "pods", ["get", "list"]),
    rule([""], "pods/eviction", ["create"]),
    rule(["apps"], "deployments", ["patch"], [name]),
    rule(["autoscaling"], "horizontalpodautoscalers", ["patch"], autoscalers.length > 0 ? autoscalers : [name]),
    rule(["apps"], "deployments/scale", ["get", "patch"], [name]),
  ];
  // kustomize puts the namespace of the whole here.
  const subjects = [{ kind: "ServiceAccount", name: singleton, namespace: namespace ?? "default" }];
  const named = [[singleton, own], [`${singleton}-storefront`, storefront]] as const;
  return [
    ...named.map(([role, rules]) => make(role, `${rbac}/v1`, "Role", { rules })),
    ...named.map(([role]) => make(role, `${rbac}/v1`, "RoleBinding", { roleRef: { apiGroup: rbac, kind: "Role", name: role }, subjects })),
  ];
}

function deployment(workload: Workload, plan: SidecarPlan, labels: Fields): Fields {
  const { singleton, secret } = plan.names;
  const secrets = ["peer", "operator"].map((key) => ({ key, path: key }));
  const annotations = { "prometheus.io/scrape": "true", "prometheus.io/port": String(HEALTH), "prometheus.io/path": "/metrics" };
  const left = (key: string): Fields => ({ key: `node.kubernetes.io/${key}`, operator: "Exists", effect: "NoExecute", tolerationSeconds: 30 });
  return {
    replicas: 2,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } },
    selector: { matchLabels: labels },
    template: {
      metadata: { labels, annotations },
      spec: {
        serviceAccountName: singleton,
        automountServiceAccountToken: true,
        ...spread(labels),
        tolerations: [left("not-ready"), left("unreachable")],
        securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
        containers: [container(workload, plan)],
        volumes: [
          { name: "shopkeeper-config", configMap: { name: `${singleton}-singleton` } },
          { name: "shopkeeper-secrets", secret: { secretName: secret, items: secrets } },
        ],
      },
    },
  };
}

/** Apart where it can be: better both in one place than one of them nowhere. */
function spread(matchLabels: Fields): Fields {
  const labelSelector = { matchLabels };
  return {
    topologySpreadConstraints: [{ maxSkew: 1, topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "ScheduleAnyway", nodeTaintsPolicy: "Honor", labelSelector }],
    affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: { topologyKey: "kubernetes.io/hostname", labelSelector } }] } },
  };
}

function container({ application }: Workload, { storefront }: SidecarPlan): Fields {
  return {
    name: "shopkeeper",
    image: "shopkeeper",
    args: ["run"],
    ports: [{ name: "health", containerPort: HEALTH }, { name: "admin", containerPort: ADMIN }],
    // Thousands of pods are more than a sidecar's 64 MB hold.
    env: [{ name: "SHOPKEEPER_HEAP_MB", value: "256" }, ...storefront.map((name) => application.env[name])],
    resources: { requests: { cpu: "100m", memory: "256Mi" }, limits: { memory: "512Mi" } },
    readinessProbe: { httpGet: { path: "/health/startup", port: HEALTH }, periodSeconds: 5 },
    livenessProbe: { httpGet: { path: "/health/live", port: HEALTH }, initialDelaySeconds: 15, periodSeconds: 20, timeoutSeconds: 5 },
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, runAsNonRoot: true, runAsUser: 10_001, capabilities: { drop: ["ALL"] }, seccompProfile: { type: "RuntimeDefault" } },
    volumeMounts: [
      { name: "shopkeeper-config", mountPath: "/etc/shopkeeper", readOnly: true },
      { name: "shopkeeper-secrets", mountPath: "/run/secrets/shopkeeper", readOnly: true },
    ],
  };
}

function service(name: string, labels: Fields, make: Make): Fields {
  const ports = [["admin", ADMIN], ["health", HEALTH]].map(([port, number]) => ({ name: port, port: number, targetPort: number, protocol: "TCP" }));
  const made = make(name, "v1", "Service", { spec: { selector: labels, ports } });
  return { ...made, metadata: { ...(made["metadata"] as Fields), labels: { ...labels, "app.kubernetes.io/component": "health" } } };
}

function networkPolicy({ ports }: SidecarPlan, matchLabels: Fields): Fields {
  const tcp = (...numbers: readonly number[]): readonly Fields[] => numbers.map((port) => ({ port, protocol: "TCP" }));
  const namespace = [{ podSelector: {} }];
  return {
    podSelector: { matchLabels },
    policyTypes: ["Ingress", "Egress"],
    ingress: [
      { from: namespace, ports: tcp(HEALTH, ADMIN) },
      { from: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }], ports: tcp(HEALTH) },
    ],
    // Names; the API server, the Storefront API, alerts; sidecars, the one that leads, the shop through its gateway, Redis.
    egress: [{ ports: [{ port: 53, protocol: "UDP" }, ...tcp(53)] }, { ports: tcp(443, 6443) }, { to: namespace, ports: tcp(ports.health, ADMIN, ports.gateway, 6379) }],
  };
}
