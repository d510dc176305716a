/** The manifests, file by file; test/image renders them with kustomize. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { at, containersOf, FILES, FOLDER, MANIFESTS, named, parse, textOf } from "./manifests.ts";
import { podSecurityViolations, resourceViolations, roleViolations } from "./rules.ts";

const ALL = MANIFESTS.map(({ manifest }) => manifest);
const storefront = named(ALL, "Deployment", "storefront");
const singleton = named(ALL, "Deployment", "shopkeeper");
const pod = at(storefront, "spec.template.spec");
const sidecar = at(pod, "initContainers[0]");
const application = at(pod, "containers[0]");

describe("the mission's figures", () => {
  test.each([
    ["3 replicas", storefront, "spec.replicas", 3],
    ["one pod more during a rollout", storefront, "spec.strategy.rollingUpdate.maxSurge", 1],
    ["one pod less during a rollout", storefront, "spec.strategy.rollingUpdate.maxUnavailable", 1],
    ["spread over zones", pod, "topologySpreadConstraints[0].topologyKey", "topology.kubernetes.io/zone"],
    ["a dead zone's nodes do not count", pod, "topologySpreadConstraints[0].nodeTaintsPolicy", "Honor"],
    ["apart on hosts", pod, "affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.topologyKey", "kubernetes.io/hostname"],
    ["away from a dead node after 30 s", pod, "tolerations[0].tolerationSeconds", 30],
    ["away from an unreachable one after 30 s", pod, "tolerations[1].tolerationSeconds", 30],
    ["application: CPU request", application, "resources.requests.cpu", "250m"],
    ["application: memory request", application, "resources.requests.memory", "256Mi"],
    ["application: CPU limit", application, "resources.limits.cpu", "1000m"],
    ["application: memory limit", application, "resources.limits.memory", "512Mi"],
    ["readiness asks the sidecar", sidecar, "readinessProbe.httpGet", { path: "/health/ready", port: 9470 }],
    ["readiness begins after 5 s", sidecar, "readinessProbe.initialDelaySeconds", 5],
    ["readiness every 10 s", sidecar, "readinessProbe.periodSeconds", 10],
    ["liveness asks the application itself", application, "livenessProbe.httpGet", { path: "/health", port: 3000 }],
    ["liveness begins after 15 s", application, "livenessProbe.initialDelaySeconds", 15],
    ["liveness every 20 s", application, "livenessProbe.periodSeconds", 20],
    ["a shared cause must not take all pods out", application, "readinessProbe", undefined],
    ["Service 80", named(ALL, "Service", "storefront"), "spec.ports[0].port", 80],
    ["to the gateway", named(ALL, "Service", "storefront"), "spec.ports[0].targetPort", 8080],
    ["sick pods can be asked", named(ALL, "Service", "storefront-peers"), "spec.publishNotReadyAddresses", true],
    ["by address", named(ALL, "Service", "storefront-peers"), "spec.clusterIP", "None"],
    ["HPA from 3", named(ALL, "HorizontalPodAutoscaler", "storefront"), "spec.minReplicas", 3],
    ["HPA to 20", named(ALL, "HorizontalPodAutoscaler", "storefront"), "spec.maxReplicas", 20],
    ["HPA CPU 70 %", named(ALL, "HorizontalPodAutoscaler", "storefront"), "spec.metrics[0].containerResource", { name: "cpu", container: "storefront", target: { type: "Utilization", averageUtilization: 70 } }],
    ["HPA memory 80 %", named(ALL, "HorizontalPodAutoscaler", "storefront"), "spec.metrics[1].containerResource", { name: "memory", container: "storefront", target: { type: "Utilization", averageUtilization: 80 } }],
    ["PDB 2", named(ALL, "PodDisruptionBudget", "storefront"), "spec.minAvailable", 2],
    ["singleton of 2", singleton, "spec.replicas", 2],
    ["metrics every 15 s", named(ALL, "ServiceMonitor", "shopkeeper"), "spec.endpoints[0].interval", "15s"],
  ])("%s", (_what, where, path, value) => {
    expect(at(where, path)).toEqual(value);
  });

  test("the sidecar is a native one", () => {
    expect(sidecar).toMatchObject({ name: "shopkeeper", restartPolicy: "Always" });
  });
});

describe.each([["storefront", storefront], ["shopkeeper", singleton]] as const)("the Deployment %s", (_name, deployment) => {
  test("passes Restricted Pod Security with a read-only root", () => {
    expect(podSecurityViolations(deployment)).toEqual([]);
  });

  test("gives every container a CPU request, and Shopkeeper no CPU limit", () => {
    expect(resourceViolations(deployment)).toEqual([]);
  });

  test("is spread so that a dead node strands nobody", () => {
    expect(at(deployment, "spec.template.spec.topologySpreadConstraints[0].nodeTaintsPolicy")).toBe("Honor");
    expect((at(deployment, "spec.template.spec.tolerations") as readonly { tolerationSeconds: number }[]).map((one) => one.tolerationSeconds)).toEqual([30, 30]);
  });

  test("tells Prometheus where its metrics are", () => {
    expect(at(deployment, "spec.template.metadata.annotations")).toEqual({ "prometheus.io/scrape": "true", "prometheus.io/port": "9470", "prometheus.io/path": "/metrics" });
  });

  test("is what its Services, budgets and policies select", () => {
    const labels = at(deployment, "spec.template.metadata.labels");
    expect(at(deployment, "spec.selector.matchLabels")).toEqual(labels);
    const mine = ALL.filter((one) => JSON.stringify(at(one, "spec.selector.matchLabels") ?? at(one, "spec.podSelector.matchLabels") ?? at(one, "spec.selector")) === JSON.stringify(labels));
    expect(new Set(mine.map((one) => one.kind))).toEqual(new Set(["Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"]));
  });
});

test.each(ALL.filter((one) => one.kind === "PodDisruptionBudget").map((one) => [one.metadata.name, one] as const))("the budget %s never holds a sick pod", (_name, budget) => {
  expect(at(budget, "spec.unhealthyPodEvictionPolicy")).toBe("AlwaysAllow");
});

test("no Role has a right beyond the documented ones, and no ClusterRole is there", () => {
  expect(ALL.filter((one) => one.kind === "Role").flatMap(roleViolations)).toEqual([]);
  expect(ALL.map((one) => one.kind)).not.toEqual(expect.arrayContaining(["ClusterRole"]));
});

test("the storefront's pods carry no token of the cluster", () => {
  expect(at(pod, "automountServiceAccountToken")).toBe(false);
  expect(at(named(ALL, "ServiceAccount", "storefront"), "automountServiceAccountToken")).toBe(false);
});

describe.each(FILES.filter((file) => file.endsWith("kustomization.yaml")))("%s", (file) => {
  const [kustomization] = parse(textOf(file));

  test("names files that exist", () => {
    const generated = ((at(kustomization, "configMapGenerator") ?? []) as readonly { files: readonly string[] }[]).flatMap((one) => one.files);
    const names = [...((at(kustomization, "resources") ?? []) as readonly string[]), ...((at(kustomization, "components") ?? []) as readonly string[]), ...generated];
    expect(names.filter((name) => !existsSync(join(FOLDER, dirname(file), name)))).toEqual([]);
  });
});

test.each(["basic", "advanced", "enterprise"])("the overlay %s has the singleton as soon as this version has the role", (overlay) => {
  const [kustomization] = parse(textOf(`overlays/${overlay}/kustomization.yaml`));
  expect((at(kustomization, "resources") as readonly string[]).includes("../../singleton")).toBe(true);
});

test("a singleton reaches the one that leads, to whom it passes on what it is asked, where the network knows policies", () => {
  const policies = ALL.filter((one) => at(one, "kind") === "NetworkPolicy" && at(one, "metadata.name") === "shopkeeper");
  const ports = (of: "egress" | "ingress"): readonly unknown[] => policies.flatMap((one) => (at(one, `spec.${of}`) as readonly { to?: unknown; from?: unknown; ports: readonly { port: number }[] }[]).filter((rule) => (rule.to ?? rule.from) !== undefined).flatMap((rule) => rule.ports.map(({ port }) => port)));
  expect(ports("ingress")).toEqual(expect.arrayContaining([9_470, 9_471]));
  expect(ports("egress")).toEqual(expect.arrayContaining([9_470, 9_471]));
});

test("every file says why", () => {
  const silent = FILES.filter((file) => !textOf(file).includes("#"));
  expect(silent).toEqual([]);
});

test("all containers are of the two images that the overlays name", () => {
  expect([storefront, singleton].flatMap(containersOf).map((one) => one["image"])).toEqual(["shopkeeper", "storefront", "shopkeeper"]);
});

test("docs/kubernetes.md names every overlay and every component", () => {
  const page = readFileSync(join(FOLDER, "../../docs/kubernetes.md"), "utf8");
  const names = FILES.flatMap((file) => /^(?:overlays|components)\/([^/]+)\/kustomization\.yaml$/.exec(file)?.[1] ?? []);
  expect(names.length).toBeGreaterThan(8);
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
