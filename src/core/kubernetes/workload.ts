/**
 * What a sidecar must know of a Deployment: which container is the application, on which port, who sends
 * buyers to it. Or every reason why that cannot be said, each with its place.
 */
import { nearest } from "../nearest.ts";
import { containerView, fields, inside, list, serviceView, text, texts, type ContainerView, type ManifestDocument, type ServiceView } from "./views.ts";

/** What is wrong with the manifests: in which document, at which path. */
export type Complaint = {
  readonly document: number;
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly expected: string;
  readonly nearest?: string | undefined;
};

export type Workload = {
  readonly name: string;
  readonly namespace: string | null;
  /** null: not written, which means 1, or an autoscaler's. */
  readonly replicas: number | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Native sidecars too. */
  readonly containers: readonly ContainerView[];
  readonly application: ContainerView;
  readonly port: number;
  /** Nothing said so: 3000 is what Hydrogen takes. */
  readonly portAssumed: boolean;
  /** Those that lead to the application, with the ports that do. */
  readonly services: readonly ServiceView[];
  readonly hostNetwork: boolean;
  /** Seconds; null: not written, which means 30. */
  readonly gracePeriod: number | null;
  readonly autoscaled: boolean;
  /** Names of the HorizontalPodAutoscalers that size this Deployment. */
  readonly autoscalers: readonly string[];
  readonly networkPolicies: number;
  /** Of the Ingresses in the file. */
  readonly hosts: readonly string[];
};

/** Which ones, where the manifests leave a choice. */
export type Choice = { readonly deployment?: string | undefined; readonly container?: string | undefined };

export type ReadWorkload = { readonly ok: true; readonly workload: Workload } | { readonly ok: false; readonly complaints: readonly Complaint[] };

/** Port of a storefront that says none. */
const HYDROGEN_PORT = 3000;
const SIDECAR = "shopkeeper";

/** Never throws. */
export function readWorkload(documents: readonly ManifestDocument[], choice: Choice): ReadWorkload {
  const chosen = chooseDeployment(documents, choice.deployment);
  if ("message" in chosen) return { ok: false, complaints: [chosen] };
  const complaints = shapeOf(chosen);
  if (complaints.length > 0) return { ok: false, complaints };
  const containers = containersOf(chosen.value);
  const labels = texts(inside(chosen.value, "spec", "template", "metadata", "labels"));
  const application = chooseContainer(chosen, containers, servicesOf(documents, labels), choice.container);
  if ("message" in application) return { ok: false, complaints: [application] };
  return { ok: true, workload: workloadOf(chosen, documents, containers, application) };
}

function chooseDeployment(documents: readonly ManifestDocument[], wanted: string | undefined): ManifestDocument | Complaint {
  const all = documents.filter(({ value }) => inside(value, "kind") === "Deployment");
  const names = all.map(({ value }) => text(inside(value, "metadata", "name")) ?? "");
  const named = wanted === undefined ? all : all.filter((_, index) => names[index] === wanted);
  const [first, second] = named;
  if (first !== undefined && second === undefined) return first;
  if (second !== undefined) return { document: second.index, path: ["metadata", "name"], message: `there are ${all.length} Deployments: ${names.join(", ")}`, expected: "one of them, named by --deployment" };
  if (wanted !== undefined) return { document: all[0]?.index ?? 0, path: ["metadata", "name"], message: `there is no Deployment "${wanted}"`, expected: `one of ${names.join(", ") || "those of the file, which has none"}`, nearest: nearest(wanted, names) };
  return noDeployment(documents);
}

/** Points at what is there instead. */
function noDeployment(documents: readonly ManifestDocument[]): Complaint {
  const kinds = documents.map(({ index, value }) => ({ index, kind: text(inside(value, "kind")) }));
  const meant = kinds.find(({ kind }) => kind !== null && (nearest(kind, ["Deployment"]) !== undefined || /^(StatefulSet|DaemonSet|ReplicaSet|Pod|Rollout|List)$/.test(kind))) ?? kinds.find(({ kind }) => kind !== null) ?? kinds[0];
  const kind = meant?.kind ?? null;
  const message = kind === null ? "this is no manifest: it has no kind" : kind === "List" ? "a List holds its objects in one document" : `there is no Deployment in this file, but a ${kind}`;
  return { document: meant?.index ?? 0, path: ["kind"], message, expected: kind === "List" ? "each object as a document of its own, parted by ---" : "kind: Deployment", nearest: kind === null ? undefined : nearest(kind, ["Deployment"]) };
}

/** What the API server would refuse, as far as it is read here. */
function shapeOf({ index, value }: ManifestDocument): readonly Complaint[] {
  const found: Complaint[] = [];
  const want = (path: Complaint["path"], right: boolean, message: string, expected: string): void => {
    if (!right) found.push({ document: index, path, message, expected });
  };
  const containers = inside(value, "spec", "template", "spec", "containers");
  want(["apiVersion"], inside(value, "apiVersion") === "apps/v1", `apiVersion is ${JSON.stringify(inside(value, "apiVersion") ?? null)}`, "apps/v1");
  want(["metadata", "name"], text(inside(value, "metadata", "name")) !== null, "the Deployment has no name", "metadata.name");
  want(["spec", "template", "metadata", "labels"], Object.keys(texts(inside(value, "spec", "template", "metadata", "labels"))).length > 0, "its pods have no labels", "a map of labels, by which Services find them");
  want(["spec", "template", "spec", "containers"], list(containers).length > 0, "its pods have no containers", "a list with at least one container");
  list(containers).forEach((container, position) => want(["spec", "template", "spec", "containers", position, "name"], text(inside(container, "name")) !== null, "the container has no name", "a name"));
  for (const container of containersOf(value)) {
    want(["spec", "template", "spec", ...container.at, "name"], container.name !== SIDECAR, `there is a container called "${SIDECAR}" already`, "a Deployment without Shopkeeper; to change its settings, edit the shopkeeper.yaml it has");
  }
  return found;
}

function containersOf(deployment: unknown): readonly ContainerView[] {
  const pod = fields(inside(deployment, "spec", "template", "spec"));
  const native = list(pod["initContainers"]).flatMap((container, position) => (inside(container, "restartPolicy") === "Always" ? [containerView(container, ["initContainers", position])] : []));
  return [...native, ...list(pod["containers"]).map((container, position) => containerView(container, ["containers", position]))];
}

function servicesOf(documents: readonly ManifestDocument[], labels: Workload["labels"]): readonly ServiceView[] {
  return documents.map((one) => serviceView(one, labels)).filter((one) => one !== null);
}

/** Whether one of the Services leads to this port, by number or by name. */
function isServed(port: ContainerView["ports"][number], services: readonly ServiceView[]): boolean {
  return services.some((service) => service.ports.some(({ target }) => target === port.number || target === port.name));
}

function chooseContainer(deployment: ManifestDocument, all: readonly ContainerView[], services: readonly ServiceView[], wanted: string | undefined): ContainerView | Complaint {
  const containers = all.filter(({ at }) => at[0] === "containers");
  const names = containers.map(({ name }) => name);
  const path = ["spec", "template", "spec", "containers"];
  if (wanted !== undefined) {
    const named = containers.find(({ name }) => name === wanted);
    return named ?? { document: deployment.index, path, message: `there is no container "${wanted}"`, expected: `one of ${names.join(", ")}`, nearest: nearest(wanted, names) };
  }
  const served = containers.filter(({ ports }) => ports.some((port) => isServed(port, services)));
  const listening = containers.filter(({ ports }) => ports.length > 0);
  const [only] = [containers, served, listening].find((some) => some.length === 1) ?? [];
  return only ?? { document: deployment.index, path, message: `which of its containers is the application: ${names.join(", ")}?`, expected: "one of them, named by --container" };
}

function workloadOf({ value }: ManifestDocument, documents: readonly ManifestDocument[], containers: readonly ContainerView[], application: ContainerView): Workload {
  const spec = inside(value, "spec");
  const pod = inside(spec, "template", "spec");
  const labels = texts(inside(spec, "template", "metadata", "labels"));
  const number = (one: unknown): number | null => (typeof one === "number" ? one : null);
  const services = servicesOf(documents, labels);
  const port = portOf(application, services);
  const leads = (target: number | string): boolean => target === (port ?? HYDROGEN_PORT) || application.ports.some((one) => one.number === port && one.name === target);
  const ofKind = (kind: string): readonly ManifestDocument[] => documents.filter((one) => inside(one.value, "kind") === kind);
  return {
    name: text(inside(value, "metadata", "name")) ?? "",
    namespace: text(inside(value, "metadata", "namespace")),
    replicas: number(inside(spec, "replicas")),
    labels,
    annotations: texts(inside(spec, "template", "metadata", "annotations")),
    containers,
    application,
    port: port ?? HYDROGEN_PORT,
    portAssumed: port === null,
    services: services.map((one) => ({ ...one, ports: one.ports.filter(({ target }) => leads(target)) })).filter((one) => one.ports.length > 0),
    hostNetwork: inside(pod, "hostNetwork") === true,
    gracePeriod: number(inside(pod, "terminationGracePeriodSeconds")),
    autoscaled: ofKind("HorizontalPodAutoscaler").length > 0,
    autoscalers: ofKind("HorizontalPodAutoscaler").flatMap((one) => (inside(one.value, "spec", "scaleTargetRef", "name") === inside(value, "metadata", "name") ? (text(inside(one.value, "metadata", "name")) ?? []) : [])),
    networkPolicies: ofKind("NetworkPolicy").length,
    hosts: [...new Set(ofKind("Ingress").flatMap((one) => list(inside(one.value, "spec", "rules")).flatMap((rule) => text(inside(rule, "host")) ?? [])))],
  };
}

/** The port a Service leads to, the first it declares, the PORT it is told, the one number there is; null: none of them. */
function portOf({ ports, env }: ContainerView, services: readonly ServiceView[]): number | null {
  const declared = ports.find((port) => isServed(port, services)) ?? ports[0];
  if (declared !== undefined) return declared.number;
  const told = text(inside(env["PORT"], "value"));
  if (told !== null && /^\d{1,5}$/.test(told)) return Number(told);
  return services.flatMap((service) => service.ports.map(({ target }) => target)).find((target) => typeof target === "number") ?? null;
}
