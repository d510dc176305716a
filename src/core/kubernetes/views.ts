/**
 * Manifests as they come out of a parser, looked into without trusting them: what is missing or of
 * another kind is null or empty, never an error.
 */

/** One document of a file; `index` counts from 0, empty documents too. */
export type ManifestDocument = { readonly index: number; readonly value: unknown };

export type Fields = Readonly<Record<string, unknown>>;

export function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** Follows keys and positions. */
export function inside(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((inner, key) => (typeof key === "number" ? list(inner)[key] : fields(inner)[key]), value);
}

/** A map of texts, as labels are; numbers and the like, which Kubernetes would refuse, are left out. */
export function texts(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(fields(value)).flatMap(([key, one]) => (typeof one === "string" ? [[key, one] as const] : [])));
}

/** Whether all of `selector` stands in `labels`; an empty selector selects nothing, as a Service's does. */
export function selects(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

export type ProbeView = {
  /** Path of an httpGet; null: another kind of probe. */
  readonly path: string | null;
  /** A number, or the name of a port; null: none given. */
  readonly port: number | string | null;
};

export type ContainerView = {
  readonly name: string;
  /** Its place: "containers" or "initContainers", and the position there. */
  readonly at: readonly ["containers" | "initContainers", number];
  readonly ports: readonly { readonly name: string | null; readonly number: number }[];
  /** A limit alone counts: Kubernetes then requests as much. */
  readonly cpuRequest: boolean;
  readonly probes: { readonly startup: ProbeView | null; readonly readiness: ProbeView | null; readonly liveness: ProbeView | null };
  /** Entries of `env`, as written, by name. */
  readonly env: Readonly<Record<string, Fields>>;
  readonly envFrom: boolean;
};

export function containerView(value: unknown, at: ContainerView["at"]): ContainerView {
  const probe = (key: string): ProbeView | null => {
    const written = fields(value)[key];
    if (typeof written !== "object" || written === null) return null;
    const port = inside(written, "httpGet", "port");
    return { path: inside(written, "httpGet") === undefined ? null : (text(inside(written, "httpGet", "path")) ?? "/"), port: typeof port === "number" ? port : text(port) };
  };
  const resources = inside(value, "resources");
  return {
    name: text(inside(value, "name")) ?? "",
    at,
    ports: list(inside(value, "ports")).flatMap((port) => {
      const number = inside(port, "containerPort");
      return typeof number === "number" ? [{ name: text(inside(port, "name")), number }] : [];
    }),
    cpuRequest: [inside(resources, "requests", "cpu"), inside(resources, "limits", "cpu")].some((cpu) => cpu !== undefined && cpu !== null),
    probes: { startup: probe("startupProbe"), readiness: probe("readinessProbe"), liveness: probe("livenessProbe") },
    env: Object.fromEntries(list(inside(value, "env")).flatMap((entry) => (text(inside(entry, "name")) === null ? [] : [[text(inside(entry, "name")) ?? "", fields(entry)] as const]))),
    envFrom: list(inside(value, "envFrom")).length > 0,
  };
}

export type ServicePort = { readonly port: number; readonly protocol: string | null; readonly target: number | string };

export type ServiceView = { readonly name: string; readonly namespace: string | null; readonly ports: readonly ServicePort[] };

/** The Service, where it selects these pods and has an address of its own; null else. */
export function serviceView({ value }: ManifestDocument, labels: Readonly<Record<string, string>>): ServiceView | null {
  const spec = inside(value, "spec");
  const own = inside(value, "kind") === "Service" && inside(spec, "clusterIP") !== "None" && inside(spec, "type") !== "ExternalName";
  if (!own || !selects(texts(inside(spec, "selector")), labels)) return null;
  return { name: text(inside(value, "metadata", "name")) ?? "", namespace: text(inside(value, "metadata", "namespace")), ports: list(inside(spec, "ports")).flatMap(servicePort) };
}

function servicePort(entry: unknown): readonly ServicePort[] {
  const port = inside(entry, "port");
  const target = inside(entry, "targetPort") ?? port;
  if (typeof port !== "number" || (typeof target !== "number" && typeof target !== "string")) return [];
  return [{ port, protocol: text(inside(entry, "protocol")), target }];
}
