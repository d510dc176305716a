/**
 * The Cluster port without a cluster: objects in memory that keep to the API server's rules about
 * preconditions, budgets and owners. Nothing here starts or ends a pod by itself; whoever sets the scene does.
 */
import type { Autoscaler, Budget, Deployment, Endpoint, Pod, PodRef, PodUsage } from "../core/cluster.ts";
import { selects, withZones } from "../core/cluster.ts";
import type { Clock } from "../ports/clock.ts";
import { ClusterError, FIELD_MANAGER, MAX_PODS, RESTARTED_AT } from "../ports/cluster.ts";
import type { Cluster, ClusterKind, ClusterNote, ClusterWatch, Eviction, FieldOwner, OwnedKind, PodChange, PodList, PodQuery, Right, RightAnswer, RolloutStart, SizeChange, WatchOptions } from "../ports/cluster.ts";
import { parseLabelQuery } from "./label-query.ts";
import { SimulatedWatch } from "./simulated-watch.ts";
import type { Outage, SimulatedObjects } from "./simulated-watch.ts";

const MAX_NOTES = 1_000;

export class SimulatedCluster implements Cluster {
  readonly namespace: string;
  readonly #clock: Clock;
  readonly #objects: SimulatedObjects = { pods: new Map(), endpoints: new Map(), autoscalers: new Map(), budgets: new Map(), deployments: new Map() };
  readonly #watches = new Set<SimulatedWatch>();
  readonly #owners = new Map<string, FieldOwner>();
  #notes: ClusterNote[] = [];
  #usage: readonly PodUsage[] | null = null;
  #forbidden: readonly Right[] = [];
  #outage: Outage | null = null;
  #versions = 0;

  constructor(clock: Clock, namespace = "shop") {
    this.#clock = clock;
    this.namespace = namespace;
  }

  // The scene

  placePod(pod: Pod): void {
    this.#objects.pods.set(pod.name, { ...pod, version: this.#version() });
    this.#changed("pods");
  }

  /** The pod has ended and is forgotten. */
  removePod(name: string): void {
    this.#objects.pods.delete(name);
    this.#changed("pods");
  }

  placeEndpoints(service: string, endpoints: readonly Endpoint[]): void {
    this.#objects.endpoints.set(service, endpoints);
    this.#changed("endpoints");
  }

  placeBudget(budget: Budget): void {
    this.#objects.budgets.set(budget.name, budget);
    this.#changed("budgets");
  }

  /** @param manager who writes its replicas by this; null: nobody anew. */
  placeDeployment(deployment: Deployment, manager: string | null = null): void {
    this.#objects.deployments.set(deployment.name, { ...deployment, version: this.#version() });
    if (manager !== null) this.#own("Deployment", deployment.name, "spec.replicas", manager);
    this.#changed("deployments");
  }

  /** @param manager who writes its minReplicas by this. */
  placeAutoscaler(autoscaler: Autoscaler, manager: string): void {
    this.#objects.autoscalers.set(autoscaler.name, { ...autoscaler, version: this.#version() });
    this.#own("HorizontalPodAutoscaler", autoscaler.name, "spec.minReplicas", manager);
    this.#changed("autoscalers");
  }

  /** null: there is no metrics server. */
  measure(usage: readonly PodUsage[] | null): void {
    this.#usage = usage;
  }

  forbid(rights: readonly Right[]): void {
    this.#forbidden = rights;
  }

  /** Nothing answers from now on, until null. Watches keep their last picture. */
  fail(outage: Outage | null): void {
    this.#outage = outage;
    for (const watch of this.#watches) watch.outage(outage);
  }

  notes(): readonly ClusterNote[] {
    return this.#notes;
  }

  // The port

  async pods(query: PodQuery, signal: AbortSignal): Promise<PodList> {
    this.#ask({ verb: "list", group: "", resource: "pods" }, signal);
    const all = this.#objects.pods.values();
    const found = ("service" in query ? withZones(all, this.#objects.endpoints.get(query.service) ?? []) : [...all]).filter(this.#matching(query));
    return { pods: found.slice(0, MAX_PODS), cut: Math.max(0, found.length - MAX_PODS) };
  }

  async pod(name: string, signal: AbortSignal): Promise<Pod | null> {
    this.#ask({ verb: "get", group: "", resource: "pods" }, signal);
    return this.#objects.pods.get(name) ?? null;
  }

  async endpoints(service: string, signal: AbortSignal): Promise<readonly Endpoint[]> {
    this.#ask({ verb: "list", group: "discovery.k8s.io", resource: "endpointslices" }, signal);
    return this.#objects.endpoints.get(service) ?? [];
  }

  async autoscalers(signal: AbortSignal): Promise<readonly Autoscaler[]> {
    this.#ask({ verb: "list", group: "autoscaling", resource: "horizontalpodautoscalers" }, signal);
    return [...this.#objects.autoscalers.values()];
  }

  async budgets(signal: AbortSignal): Promise<readonly Budget[]> {
    this.#ask({ verb: "list", group: "policy", resource: "poddisruptionbudgets" }, signal);
    return [...this.#objects.budgets.values()];
  }

  async deployments(signal: AbortSignal): Promise<readonly Deployment[]> {
    this.#ask({ verb: "list", group: "apps", resource: "deployments" }, signal);
    return [...this.#objects.deployments.values()];
  }

  async deployment(name: string, signal: AbortSignal): Promise<Deployment | null> {
    this.#ask({ verb: "get", group: "apps", resource: "deployments" }, signal);
    return this.#objects.deployments.get(name) ?? null;
  }

  async podUsage(selector: string, signal: AbortSignal): Promise<readonly PodUsage[]> {
    this.#ask({ verb: "list", group: "metrics.k8s.io", resource: "pods" }, signal);
    if (this.#usage === null) throw new ClusterError("NOT_FOUND", "read the pods' metrics: there is no metrics server");
    const matches = this.#matching({ selector });
    return this.#usage.filter(({ pod: name }) => [...this.#objects.pods.values()].some((pod) => pod.name === name && matches(pod)));
  }

  async evictPod(pod: PodRef, signal: AbortSignal): Promise<Eviction> {
    const answer = await this.tryEviction(pod, signal);
    if (answer.kind !== "evicted") return answer;
    const found = this.#objects.pods.get(pod.name);
    for (const budget of this.#objects.budgets.values()) {
      if (found !== undefined && found.deletingAt === null && selects(budget.selector, found.labels)) this.placeBudget({ ...budget, disruptionsAllowed: budget.disruptionsAllowed - 1 });
    }
    this.#end(pod.name);
    return answer;
  }

  async tryEviction({ name, uid }: PodRef, signal: AbortSignal): Promise<Eviction> {
    this.#ask({ verb: "create", group: "", resource: "pods", subresource: "eviction" }, signal);
    const pod = this.#objects.pods.get(name);
    if (pod === undefined) return { kind: "gone" };
    if (pod.uid !== uid) return { kind: "changed" };
    const short = [...this.#objects.budgets.values()].find((budget) => selects(budget.selector, pod.labels) && budget.disruptionsAllowed < 1);
    if (pod.phase === "Running" && pod.deletingAt === null && short !== undefined) {
      return { kind: "blocked", detail: `Cannot evict pod as it would violate the pod's disruption budget. The disruption budget ${short.name} needs ${short.wanted} healthy pods and has ${short.healthy} currently` };
    }
    return { kind: "evicted" };
  }

  async deletePod({ name, uid }: PodRef, signal: AbortSignal): Promise<PodChange> {
    this.#ask({ verb: "delete", group: "", resource: "pods" }, signal);
    return this.#onPod(name, uid, () => this.#end(name));
  }

  async labelPod({ name, uid }: PodRef, labels: Readonly<Record<string, string | null>>, signal: AbortSignal): Promise<PodChange> {
    this.#ask({ verb: "patch", group: "", resource: "pods" }, signal);
    return this.#onPod(name, uid, (pod) => {
      const after = Object.entries({ ...pod.labels, ...labels }).filter((entry): entry is [string, string] => entry[1] !== null);
      this.placePod({ ...pod, labels: Object.fromEntries(after) });
      for (const label of Object.keys(labels)) this.#own("Pod", name, `metadata.labels.${label}`, FIELD_MANAGER);
    });
  }

  async restartRollout({ name, generation }: Pick<Deployment, "name" | "generation">, _at: string, signal: AbortSignal): Promise<RolloutStart> {
    this.#ask({ verb: "patch", group: "apps", resource: "deployments" }, signal);
    const found = this.#objects.deployments.get(name);
    if (found === undefined) return { kind: "gone" };
    if (found.generation !== generation) return { kind: "moved", found: found.generation };
    this.placeDeployment({ ...found, generation: generation + 1 });
    this.#own("Deployment", name, `spec.template.metadata.annotations.${RESTARTED_AT}`, FIELD_MANAGER);
    return { kind: "started", generation: generation + 1 };
  }

  async setMinReplicas(name: string, from: number, to: number, signal: AbortSignal): Promise<SizeChange> {
    this.#ask({ verb: "patch", group: "autoscaling", resource: "horizontalpodautoscalers" }, signal);
    const found = this.#objects.autoscalers.get(name);
    if (found === undefined) return { kind: "gone" };
    if (found.min !== from) return { kind: "moved", found: found.min };
    if (to > found.max || to < 1) throw new ClusterError("INVALID", `set minReplicas of ${name}: ${to} is not between 1 and maxReplicas (${found.max})`);
    this.placeAutoscaler({ ...found, min: to }, FIELD_MANAGER);
    return { kind: "done" };
  }

  async setScale(name: string, from: number, to: number, signal: AbortSignal): Promise<SizeChange> {
    this.#ask({ verb: "patch", group: "apps", resource: "deployments", subresource: "scale" }, signal);
    const found = this.#objects.deployments.get(name);
    if (found === undefined) return { kind: "gone" };
    if (found.wanted !== from) return { kind: "moved", found: found.wanted };
    this.placeDeployment({ ...found, wanted: to, generation: found.generation + 1 });
    this.#own("Deployment", name, "spec.replicas", FIELD_MANAGER);
    return { kind: "done" };
  }

  async note(note: ClusterNote, signal: AbortSignal): Promise<void> {
    this.#ask({ verb: "create", group: "events.k8s.io", resource: "events" }, signal);
    this.#notes = [...this.#notes, note].slice(-MAX_NOTES);
  }

  async fieldOwners(kind: OwnedKind, name: string, path: readonly string[], signal: AbortSignal): Promise<readonly FieldOwner[]> {
    this.#ask({ verb: "get", group: "", resource: kind }, signal);
    const objects = { Pod: this.#objects.pods, Deployment: this.#objects.deployments, HorizontalPodAutoscaler: this.#objects.autoscalers }[kind];
    if (!objects.has(name)) throw new ClusterError("NOT_FOUND", `read ${kind} ${name}: there is none`);
    const owner = this.#owners.get(`${kind}/${name}/${path.join(".")}`);
    return owner === undefined ? [] : [owner];
  }

  async canI(rights: readonly Right[], signal: AbortSignal): Promise<readonly RightAnswer[]> {
    this.#reach(signal);
    return rights.map((right) => ({ right, allowed: !this.#forbidden.some((one) => sameRight(one, right)), reason: "" }));
  }

  watch(options: WatchOptions = {}): ClusterWatch {
    const watch = new SimulatedWatch(this.#clock, this.#objects, options, () => this.#watches.delete(watch));
    this.#watches.add(watch);
    watch.outage(this.#outage);
    return watch;
  }

  async close(): Promise<void> {
    for (const watch of this.#watches) await watch.stop();
  }

  #ask(right: Right, signal: AbortSignal): void {
    this.#reach(signal);
    if (this.#forbidden.some((one) => sameRight(one, right))) throw new ClusterError("FORBIDDEN", `${right.verb} ${right.resource}${right.subresource === undefined ? "" : `/${right.subresource}`}: no such right`);
  }

  #reach(signal: AbortSignal): void {
    if (signal.aborted) throw new ClusterError("UNAVAILABLE", "the caller gave up");
    if (this.#outage !== null) throw new ClusterError(this.#outage.code, this.#outage.detail);
  }

  #onPod(name: string, uid: string, change: (pod: Pod) => void): PodChange {
    const pod = this.#objects.pods.get(name);
    if (pod === undefined) return "gone";
    if (pod.uid !== uid) return "changed";
    change(pod);
    return "done";
  }

  /** Told to go: it goes on for its grace period, until the scene removes it. */
  #end(name: string): void {
    const pod = this.#objects.pods.get(name);
    if (pod !== undefined && pod.deletingAt === null) this.placePod({ ...pod, deletingAt: this.#clock.wall() });
  }

  #matching(query: PodQuery): (pod: Pod) => boolean {
    if ("selector" in query) {
      const selector = parseLabelQuery(query.selector);
      return (pod) => selects(selector, pod.labels);
    }
    const behind = new Set((this.#objects.endpoints.get(query.service) ?? []).map(({ pod }) => pod?.uid));
    return (pod) => behind.has(pod.uid);
  }

  #own(kind: OwnedKind, name: string, path: string, manager: string): void {
    this.#owners.set(`${kind}/${name}/${path}`, { manager, operation: "Update", at: this.#clock.wall() });
  }

  #version(): string {
    this.#versions += 1;
    return String(this.#versions);
  }

  #changed(kind: ClusterKind): void {
    for (const watch of this.#watches) watch.changed(kind);
  }
}

function sameRight(a: Right, b: Right): boolean {
  return a.verb === b.verb && a.group === b.group && a.resource === b.resource && a.subresource === b.subresource;
}
