/**
 * What a ReplicaSet and a kubelet would do for the pods of a shop: one that was told to go is removed after its grace,
 * and another one stands in its place, with a sidecar that is well.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { PodRef } from "../../src/core/cluster.ts";
import type { ClusterScene } from "../contract/cluster-scene.ts";
import { addressesFor } from "./singletons.ts";
import { toldSidecar, type ToldSidecar } from "./told-sidecars.ts";
import type { Ask } from "./ask.ts";

export type ReplicaSetParts = {
  readonly ask: Ask;
  readonly scene: ClusterScene;
  readonly namespace: string;
  readonly port: number;
  readonly graceMs: number;
  /** A replacement has the name of the one before it, as in a StatefulSet; else a name of its own. */
  readonly sameName: boolean;
};

export type ShopPod = PodRef & { readonly sidecar: ToldSidecar };

const LOOK_MS = 100;

type Listed = { readonly items: readonly { readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string } }[] };

export class ReplicaSet {
  readonly #parts: ReplicaSetParts;
  readonly #pods = new Map<string, ShopPod>();
  readonly #stopping = new AbortController();
  #made = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: ReplicaSetParts) {
    this.#parts = parts;
  }

  async start(count: number): Promise<readonly ShopPod[]> {
    const pods: ShopPod[] = [];
    for (let index = 1; index <= count; index++) pods.push(await this.#add(`web-${index}`));
    this.#running = this.#run();
    return pods;
  }

  /** Whether this very pod is gone and as many stand as before. */
  replaced({ uid }: PodRef): boolean {
    return !this.#pods.has(uid);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    // What it was about while the API server was away is left.
    await this.#running.catch(() => undefined);
    await Promise.all([...this.#pods.values()].map(({ sidecar }) => sidecar.stop()));
  }

  async #add(name: string): Promise<ShopPod> {
    const [ip = ""] = (await addressesFor(1)).ips;
    const sidecar = await toldSidecar(ip, this.#parts.port);
    const { scene } = this.#parts;
    const { uid } = await this.#insist(async () => {
      // One that was taken without an answer is made anew, since its status was not written.
      await scene.removePod(name).catch(() => undefined);
      return scene.addPod({ name, app: "storefront", ip });
    });
    this.#made += 1;
    // A name of its own each time: what was taken without an answer is only there twice.
    let tries = 0;
    await this.#insist(() => scene.addEndpoints("storefront", [{ name, uid }], `storefront-${this.#made}-${(tries += 1)}`));
    const pod = { name, uid, sidecar };
    this.#pods.set(uid, pod);
    return pod;
  }

  async #run(): Promise<void> {
    const { ask, namespace } = this.#parts;
    while (!this.#stopping.signal.aborted) {
      // The API server may be away: it is asked again.
      const listed = await ask("GET", `/api/v1/namespaces/${namespace}/pods`).catch(() => null);
      const going = listed?.status === 200 ? (listed.body as Listed).items.filter(({ metadata }) => metadata.deletionTimestamp !== undefined) : [];
      for (const { metadata } of going) await this.#replace(metadata.uid);
      await pause(LOOK_MS);
    }
  }

  async #replace(uid: string): Promise<void> {
    const before = this.#pods.get(uid);
    if (before === undefined) return;
    await pause(this.#parts.graceMs);
    await this.#insist(async () => {
      if (await this.#stands(uid)) await this.#parts.scene.removePod(before.name);
    });
    await before.sidecar.stop();
    await this.#add(this.#parts.sameName ? before.name : `web-new-${this.#made}`);
    this.#pods.delete(uid);
  }

  async #stands(uid: string): Promise<boolean> {
    const { ask, namespace } = this.#parts;
    const { status, body } = await ask("GET", `/api/v1/namespaces/${namespace}/pods`);
    if (status !== 200) throw new Error(`pods: ${status}`);
    return (body as Listed).items.some(({ metadata }) => metadata.uid === uid);
  }

  /** Until the API server takes it. */
  async #insist<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (this.#stopping.signal.aborted) throw error;
        await pause(LOOK_MS);
      }
    }
  }
}
