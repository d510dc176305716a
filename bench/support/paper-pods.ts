/**
 * A storefront of many pods on a real API server without nodes: the objects, with the status controllers would write,
 * and another pod in the place of each that is told to go.
 */
import type { ApiServer } from "../../test/cluster/api-server.ts";
import { podAddress } from "./farm.ts";
import { pause } from "./processes.ts";

/** Replacements have numbers of their own, that no share below this of a hundred makes fail. */
const REPLACEMENTS_FROM = 10_000;
const WELL_FROM = 50;
/** As many as Kubernetes itself puts in one. */
const PER_SLICE = 100;
const AT_ONCE = 16;
const LOOK_MS = 2_000;
const NOW = "2026-01-01T00:00:00Z";
type Listed = { readonly items: readonly { readonly metadata: { readonly name: string; readonly deletionTimestamp?: string } }[] };

const OWNER = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "storefront-abc", uid: "11111111-1111-4111-8111-111111111111", controller: true };

export class PaperPods {
  readonly #api: ApiServer;
  readonly #namespace: string;
  #uids: readonly string[] = [];
  #replaced = 0;

  constructor(api: ApiServer, namespace: string) {
    this.#api = api;
    this.#namespace = namespace;
  }

  /** Creates the namespace and a Deployment of no pods. */
  async begin(): Promise<void> {
    await this.#sent("POST", "/api/v1/namespaces", { metadata: { name: this.#namespace } });
    const template = { metadata: { labels: { app: "storefront" } }, spec: { containers: [{ name: "app", image: "none" }] } };
    await this.#sent("POST", this.#path("apps/v1", "deployments"), { metadata: { name: "storefront" }, spec: { replicas: 0, selector: { matchLabels: { app: "storefront" } }, template } });
  }

  /** Adds pods until there are so many; a multiple of 100. */
  async growTo(count: number): Promise<void> {
    const from = this.#uids.length;
    const uids: string[] = [];
    let next = from;
    const worker = async (): Promise<void> => {
      for (let at = next++; at < count; at = next++) uids[at - from] = await this.#addPod(at);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    this.#uids = [...this.#uids, ...uids];
    for (let at = from; at < count; at += PER_SLICE) await this.#addSlice(at, this.#uids.slice(at, at + PER_SLICE));
    const deployments = this.#path("apps/v1", "deployments");
    await this.#sent("PATCH", `${deployments}/storefront`, { spec: { replicas: count } });
    await this.#sent("PATCH", `${deployments}/storefront/status`, { status: { observedGeneration: 2, replicas: count, updatedReplicas: count, readyReplicas: count, availableReplicas: count } });
  }

  /** What a ReplicaSet and a kubelet do: removes pods that were told to go, and makes one that is well for each. @returns how many so far. */
  async replaceGoing(): Promise<number> {
    const { items } = (await this.#sent("GET", this.#path("v1", "pods"))) as Listed;
    for (const { metadata } of items.filter(({ metadata: { deletionTimestamp } }) => deletionTimestamp !== undefined)) {
      await this.#sent("DELETE", `${this.#path("v1", "pods")}/${metadata.name}?gracePeriodSeconds=0`);
      const at = REPLACEMENTS_FROM + Math.floor(this.#replaced / WELL_FROM) * 100 + WELL_FROM + (this.#replaced % WELL_FROM);
      this.#replaced += 1;
      await this.#addSlice(at, [await this.#addPod(at)]);
    }
    return this.#replaced;
  }

  /** Lets time pass as in a cluster with controllers. @returns how many pods were replaced so far. */
  async tend(ms: number): Promise<number> {
    const until = performance.now() + ms;
    for (;;) {
      const replaced = await this.replaceGoing();
      const left = until - performance.now();
      if (left <= 0) return replaced;
      await pause(Math.min(LOOK_MS, left));
    }
  }

  async #addPod(at: number): Promise<string> {
    const pods = this.#path("v1", "pods");
    const name = nameOf(at);
    const labels = { app: "storefront", "pod-template-hash": "abc" };
    const containers = [{ name: "app", image: "none", resources: { requests: { cpu: "250m" } } }];
    const { metadata } = (await this.#sent("POST", pods, { metadata: { name, labels, ownerReferences: [OWNER] }, spec: { nodeName: "node-1", containers } })) as { readonly metadata: { readonly uid: string } };
    const ip = podAddress(at);
    const containerStatuses = [{ name: "app", image: "none", imageID: "", ready: true, restartCount: 0, started: true, state: { running: { startedAt: NOW } } }];
    await this.#sent("PATCH", `${pods}/${name}/status`, { status: { phase: "Running", podIP: ip, podIPs: [{ ip }], startTime: NOW, conditions: [{ type: "Ready", status: "True" }], containerStatuses } });
    return metadata.uid;
  }

  async #addSlice(from: number, uids: readonly string[]): Promise<void> {
    const endpoints = uids.map((uid, index) => {
      const at = from + index;
      const targetRef = { kind: "Pod", name: nameOf(at), uid, namespace: this.#namespace };
      // The loopback is no address the API takes for an endpoint, nor one that is read: a pod says its own.
      return { addresses: [`10.94.${Math.floor(at / 250)}.${(at % 250) + 1}`], conditions: { ready: true }, nodeName: "node-1", zone: `zone-${at % 3}`, targetRef };
    });
    const metadata = { name: `storefront-${from}`, labels: { "kubernetes.io/service-name": "storefront" } };
    await this.#sent("POST", this.#path("discovery.k8s.io/v1", "endpointslices"), { metadata, addressType: "IPv4", ports: [{ port: 8080 }], endpoints });
  }

  #path(group: string, resource: string): string {
    return `${group === "v1" ? "/api/v1" : `/apis/${group}`}/namespaces/${this.#namespace}/${resource}`;
  }

  async #sent(method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body?: object): Promise<unknown> {
    const answer = await this.#api.ask(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
}

function nameOf(at: number): string {
  return `storefront-abc-${String(at).padStart(4, "0")}`;
}
