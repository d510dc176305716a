/**
 * What was found in a Deployment, what the patches change, and what was left alone though it matters:
 * one sentence each, for the person who will apply them.
 */
import { ownCheck, type SidecarPlan } from "./sidecar-plan.ts";
import type { ProbeView } from "./views.ts";
import type { Workload } from "./workload.ts";

/** `attention`: not touched, and somebody should decide. */
export type Finding = { readonly kind: "found" | "changed" | "kept" | "attention"; readonly text: string };

/** In the order in which they are told. */
export function findingsOf(workload: Workload, plan: SidecarPlan): readonly Finding[] {
  return [...found(workload, plan), ...changed(workload, plan), ...probes(workload), ...resources(workload), ...surroundings(workload)];
}

function found({ name, replicas, application, port, portAssumed, services, hosts, autoscaled }: Workload, { healthPath, storefront }: SidecarPlan): readonly Finding[] {
  const texts = [
    `the Deployment ${name}, ${replicas === null ? "without a number of replicas" : `${replicas} ${replicas === 1 ? "replica" : "replicas"}`}`,
    `the application: container ${application.name} on port ${port}${portAssumed ? " (nothing says so: assumed)" : ""}`,
    ...services.map((service) => `the Service ${service.name}, which leads to it from port ${service.ports.map((one) => one.port).join(", ")}`),
    ...(hosts.length > 0 ? [`the shop's names: ${hosts.join(", ")}`] : []),
    ...(healthPath === null ? [] : [`its route of health: ${healthPath}`]),
    ...(storefront.length > 0 ? [`the Storefront API, by ${storefront.join(" and ")}`] : []),
    ...(autoscaled ? ["a HorizontalPodAutoscaler"] : []),
  ];
  return texts.map((text) => ({ kind: "found", text }));
}

function changed({ services, annotations, autoscalers }: Workload, { ports, names, healthPath, storefront }: SidecarPlan): readonly Finding[] {
  const scraped = Object.keys(annotations).some((key) => key.startsWith("prometheus.io/"));
  const texts = [
    "the sidecar shopkeeper is added, native (Kubernetes 1.29 or later), with a CPU request and without a CPU limit",
    `buyers come in at its gateway, port ${ports.gateway}${ports.gateway === 8080 ? "" : " (8080 is taken)"}`,
    `its readiness, asked at ${ports.health}, counts for the pod`,
    ...services.map((service) => `the Service ${service.name} leads to the gateway; its own port stays ${service.ports.map((one) => one.port).join(", ")}`),
    `a headless Service ${names.peers} is added, by which pods ask each other`,
    `the singleton is added: a Deployment ${names.singleton} of two, with its Service, its ConfigMap ${names.singleton}-singleton, a disruption budget and a network policy; it watches all pods and only records what it would take away`,
    `two Roles are added, bound to its own ServiceAccount ${names.singleton}: in this namespace it sees pods, evicts them, and changes this Deployment${autoscalers.length > 0 ? ` and ${autoscalers.join(", ")}` : ""}`,
    `a ConfigMap ${names.configMap} with shopkeeper.yaml${ownCheck(healthPath) ? `, and a check that asks ${healthPath}` : ""} is added`,
    ...(storefront.length > 0 ? [`the sidecar is given ${storefront.join(" and ")} as the application is`] : []),
    ...(scraped ? [] : ["the pods are annotated for Prometheus"]),
  ];
  return texts.map((text) => ({ kind: "changed", text }));
}

function probes({ application }: Workload): readonly Finding[] {
  const { startup, readiness, liveness } = application.probes;
  const at = `container ${application.name}`;
  return [
    readiness === null
      ? { kind: "kept", text: `${at} has no readiness probe, and needs none now` }
      : { kind: "attention", text: `${at} keeps its readiness probe (${shown(readiness)}): while that fails the pod gets no buyers, and its stored pages serve nobody. Once you trust the sidecar's, take it away: "readinessProbe: null" in deployment-patch.yaml, under spec.template.spec.containers` },
    livenessFinding(liveness, at),
    startup === null && readiness === null
      ? { kind: "attention", text: `${at} has no startup probe: the pod may get buyers a moment before the application answers. Add one on its route of health` }
      : { kind: "kept", text: `${at} keeps its ${startup === null ? "way of starting" : `startup probe (${shown(startup)})`}` },
  ];
}

function livenessFinding(probe: ProbeView | null, at: string): Finding {
  if (probe === null) return { kind: "attention", text: `${at} has no liveness probe: a frozen application is not restarted by Kubernetes. Add one that asks a cheap route of its own` };
  if (probe.path === "/") return { kind: "attention", text: `${at} keeps its liveness probe on a page (${shown(probe)}): a page needs the Storefront API, so an outage there has every pod killed. Ask a route that needs nothing of others` };
  return { kind: "kept", text: `${at} keeps its liveness probe (${shown(probe)})` };
}

function shown({ path, port }: ProbeView): string {
  return path === null ? "not over HTTP" : `GET ${path}${port === null ? "" : ` at ${port}`}`;
}

function resources({ containers, autoscaled, replicas }: Workload): readonly Finding[] {
  const without = containers.filter(({ cpuRequest }) => !cpuRequest).map(({ name }) => name);
  const stops = "an autoscaler on CPU stops altogether (ScalingActive=False, missing request for cpu)";
  return [
    ...(without.length === 0 ? [] : [{ kind: "attention" as const, text: `${without.length === 1 ? "container" : "containers"} ${without.join(", ")} without a CPU request: ${stops}${autoscaled ? ", and there is one" : ""}. Not changed: the right figure is yours` }]),
    ...(autoscaled ? [{ kind: "attention" as const, text: "the autoscaler counts the sidecar too, whose memory stored pages fill by design: let it look at the application alone (type: ContainerResource)" }] : []),
    ...(replicas !== null && replicas < 2 && !autoscaled ? [{ kind: "attention" as const, text: "one replica: while its pod is replaced there is no shop, and no stored page" }] : []),
  ];
}

/** Longest the gateway and the application may need to end. */
const GRACE_SECONDS = 30;

function surroundings({ namespace, autoscaled, autoscalers, name, services, hostNetwork, gracePeriod, annotations, networkPolicies, application, hosts }: Workload): readonly Finding[] {
  const scraped = Object.keys(annotations).filter((key) => key.startsWith("prometheus.io/"));
  const texts = [
    ...(services.length === 0 ? ["no Service in this file leads to the application: point yours at the gateway, or nothing changes for buyers, and name it in singleton/shopkeeper.yaml, which has the headless one"] : []),
    ...(namespace === null ? ["no namespace is written: where your kustomization has none either, the RoleBindings in singleton/roles.yaml name the ServiceAccount of default"] : []),
    ...(autoscaled && autoscalers.length === 0 ? [`the autoscaler in this file is not of the Deployment ${name}: the singleton may change only one of that name`] : []),
    ...(hostNetwork ? ["hostNetwork: the gateway's and health ports are taken on the node itself, so one pod a node"] : []),
    ...(gracePeriod !== null && gracePeriod < GRACE_SECONDS ? [`terminationGracePeriodSeconds is ${gracePeriod}: the gateway drains for up to 10 s after the application has ended; ${GRACE_SECONDS} or more is better`] : []),
    ...(scraped.length > 0 ? [`${scraped.join(", ")}: kept, so Shopkeeper's own metrics are not scraped by annotation`] : []),
    ...(networkPolicies > 0 ? ["a NetworkPolicy: see that it lets buyers in at the gateway's port, and pods of this namespace at the health port"] : []),
    ...(application.envFrom && application.env["PUBLIC_STORE_DOMAIN"] === undefined ? ["its variables come by envFrom, which does not say which there are: name the Storefront API in shopkeeper.yaml yourself"] : []),
    ...(hosts.length === 0 ? ["no Ingress says the shop's names: put them under gateway.hosts in shopkeeper.yaml"] : []),
  ];
  return texts.map((text) => ({ kind: "attention", text }));
}
