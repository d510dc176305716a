/**
 * Durable state in one named ConfigMap, so that the next leader finds it.
 *
 * A value is stored as its revision, a line break and the value ("3\n{…}"), so `kubectl get configmap` shows what there is.
 * All values together have a megabyte: intents, cool-downs, episodes and pauses are some tens of kilobytes.
 */
import { ClusterError } from "../ports/cluster.ts";
import type { StateStore, Stored } from "../ports/state-store.ts";
import { StateStoreError, SupersededError } from "../ports/state-store.ts";
import type { KubernetesClient } from "./kubernetes/client.ts";
import { ConfigMapDocument, ConfigMapFullError, LaterEpochError, NoEpochError } from "./kubernetes/config-map.ts";
import type { Content } from "./kubernetes/config-map.ts";
import { decodeKey, encodeKey } from "./kubernetes/config-map-key.ts";
import { checkKey, checkValue } from "./state-bounds.ts";

/** @param name of the ConfigMap, in the client's namespace; made at the first write. */
export function createKubernetesStateStore(client: KubernetesClient, name: string): StateStore {
  return new KubernetesStateStore(client, name, null);
}

/**
 * Writes the epoch before anything is read, so that what an earlier leader still sends is refused.
 *
 * @throws {SupersededError} when a leader of this epoch or a newer one has begun; also this one itself, whose answer was lost.
 * @throws {StateStoreError} `UNAVAILABLE`; `CORRUPT` when what stands there is no epoch.
 */
export async function openKubernetesStateStore(client: KubernetesClient, name: string, epoch: number): Promise<StateStore> {
  const store = new KubernetesStateStore(client, name, epoch);
  await store.claim();
  return store;
}

class KubernetesStateStore implements StateStore {
  readonly #document: ConfigMapDocument;
  readonly #closing = new AbortController();

  constructor(client: KubernetesClient, name: string, epoch: number | null) {
    this.#document = new ConfigMapDocument(client, name, this.#closing.signal, { epoch });
  }

  async claim(): Promise<void> {
    await this.#tried(() => this.#document.claim());
  }

  async get(key: string): Promise<Stored | null> {
    this.#check(key);
    return rowOf(await this.#tried(() => this.#document.read()), encodeKey(key));
  }

  async list(prefix: string, limit = 1_000): Promise<readonly Stored[]> {
    this.#check(prefix);
    const content = await this.#tried(() => this.#document.read());
    const found = [...content.keys()].flatMap((encoded) => rowOf(content, encoded) ?? []).filter((row) => row.key.startsWith(prefix));
    return found.toSorted((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))).slice(0, Math.max(0, limit));
  }

  async put(key: string, value: string, ifRevision?: number): Promise<number | "conflict"> {
    this.#check(key);
    checkValue(key, value);
    const encoded = encodeKey(key);
    return this.#tried(() =>
      this.#document.change<number | "conflict">((content) => {
        const revision = rowOf(content, encoded)?.revision ?? 0;
        if (ifRevision !== undefined && ifRevision !== revision) return { content: null, result: "conflict" };
        return { content: new Map([...content, [encoded, write(key, encoded, revision + 1, value)]]), result: revision + 1 };
      }),
    );
  }

  async delete(key: string): Promise<void> {
    this.#check(key);
    const encoded = encodeKey(key);
    await this.#tried(() =>
      this.#document.change((content) => {
        if (!content.has(encoded)) return { content: null, result: undefined };
        return { content: new Map([...content].filter(([other]) => other !== encoded)), result: undefined };
      }),
    );
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    await this.#document.idle();
    this.#closing.abort();
  }

  #check(key: string): void {
    if (this.#closing.signal.aborted) throw new StateStoreError("UNAVAILABLE", "the store is closed");
    checkKey(key);
  }

  async #tried<T>(attempt: () => Promise<T>): Promise<T> {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof ConfigMapFullError) throw new StateStoreError("TOO_LARGE", error.message, { cause: error });
      if (error instanceof LaterEpochError) throw new SupersededError(error.epoch);
      if (error instanceof NoEpochError) throw new StateStoreError("CORRUPT", error.message, { cause: error });
      if (error instanceof ClusterError) throw new StateStoreError("UNAVAILABLE", error.message, { cause: error });
      throw error;
    }
  }
}

/** "REVISION\nVALUE"; where the name is only a hash, "REVISION KEY\nVALUE" with the key as JSON. */
function write(key: string, encoded: string, revision: number, value: string): string {
  return decodeKey(encoded) === null ? `${revision} ${JSON.stringify(key)}\n${value}` : `${revision}\n${value}`;
}

/** @throws {StateStoreError} `CORRUPT` for an entry nobody of us wrote. */
function rowOf(content: Content, encoded: string): Stored | null {
  const text = content.get(encoded);
  if (text === undefined) return null;
  const [, revision, name, value] = /^(\d+)(?: ("[^\n]*"))?\n([^]*)$/.exec(text) ?? [];
  const key = decodeKey(encoded) ?? keyIn(name);
  if (revision === undefined || value === undefined || key === null) throw new StateStoreError("CORRUPT", `the entry ${encoded} of the ConfigMap was not written by Shopkeeper`);
  return { key, value, revision: Number(revision) };
}

function keyIn(name: string | undefined): string | null {
  if (name === undefined) return null;
  try {
    const key: unknown = JSON.parse(name);
    return typeof key === "string" ? key : null;
  } catch {
    return null;
  }
}
