/**
 * A ConfigMap as a small document that one process at a time mostly writes.
 *
 * Changes are functions over the whole content; those that wait are carried out together and sent in one
 * write, over the very version they were made from. Should somebody else have written meanwhile, all are made
 * anew over what is there now.
 */
import type { V1ConfigMap } from "@kubernetes/client-node";
import { MAX_EPOCH } from "../../core/lease.ts";
import { shortened } from "../../core/shortened.ts";
import { ClusterError } from "../../ports/cluster.ts";
import { FIELD_MANAGER } from "./client.ts";
import type { KubernetesClient } from "./client.ts";
import { WritePace } from "./write-pace.ts";

/** Keys and values of a ConfigMap, in bytes: etcd refuses more. */
export const MAX_CONFIG_MAP_BYTES = 1024 * 1024;
/** Times that others may come between before a write is given up. */
const MAX_TRIES = 8;

export type Content = ReadonlyMap<string, string>;

/** What a change makes of the content: null writes nothing. Called again when it has to be made anew. */
export type Change<T> = (content: Content) => { readonly content: Content | null; readonly result: T };

type Waiting = { readonly apply: (content: Content) => Content; readonly succeed: () => void; readonly fail: (error: unknown) => void };

/** Which leader wrote it last, where leaders write it. */
const EPOCH = "shopkeeper.dev/epoch";

/** A change that would not fit; nothing was sent. */
export class ConfigMapFullError extends Error {
  override readonly name = "ConfigMapFullError";
}

/** A leader of a higher epoch has written it; nothing was sent. */
export class LaterEpochError extends Error {
  override readonly name = "LaterEpochError";
  readonly epoch: number;
  constructor(name: string, epoch: number) {
    super(`the ConfigMap ${name} was written under epoch ${epoch}`);
    this.epoch = epoch;
  }
}

/** What stands where leaders write their epoch is none; nothing was sent. */
export class NoEpochError extends Error {
  override readonly name = "NoEpochError";
  constructor(name: string, found: string) {
    super(`the annotation ${EPOCH} of the ConfigMap ${name} is ${JSON.stringify(shortened(found, 40))}, which is no epoch: take it off, once no other leader writes there`);
  }
}

export type ConfigMapOptions = {
  /** Most bytes of keys and values. */
  readonly maxBytes?: number;
  /** Of the leader that writes: it stands in an annotation, and nothing is written over a higher one. null: not of leaders. */
  readonly epoch?: number | null;
};

export class ConfigMapDocument {
  readonly #client: KubernetesClient;
  readonly #name: string;
  readonly #maxBytes: number;
  readonly #epoch: number | null;
  readonly #signal: AbortSignal;
  readonly #pace: WritePace;
  #waiting: Waiting[] = [];
  #working: Promise<void> | null = null;
  /** What our last write left; where it still holds, the next one need not read. */
  #known: V1ConfigMap | null = null;

  constructor(client: KubernetesClient, name: string, signal: AbortSignal, { maxBytes = MAX_CONFIG_MAP_BYTES, epoch = null }: ConfigMapOptions = {}) {
    this.#client = client;
    this.#name = name;
    this.#signal = signal;
    this.#maxBytes = maxBytes;
    this.#epoch = epoch;
    this.#pace = new WritePace(client.clock);
  }

  /** As it is now; empty when there is none. @throws {ClusterError} */
  async read(): Promise<Content> {
    return contentOf(await this.#read());
  }

  /**
   * Writes the own epoch, before anything else is asked of the document. An epoch is opened once: a lease that was made anew may
   * come to the same number again, and so may a claim whose answer was lost.
   *
   * @throws {LaterEpochError} also when it was opened under this very epoch. @throws {NoEpochError} @throws {ClusterError}
   */
  async claim(): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const base = await this.#read();
      this.#checkEpoch(base, "claim");
      if (await this.#write(base, contentOf(base))) return;
    }
    throw this.#givenUp();
  }

  /**
   * Durable when it resolves.
   *
   * @throws {ConfigMapFullError} when the content would be too large.
   * @throws {LaterEpochError} when a later leader has written it.
   * @throws {ClusterError} `UNAVAILABLE` when no answer came: it may have been written.
   */
  change<T>(change: Change<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let result: T;
      const apply = (content: Content): Content => {
        const made = change(content);
        ({ result } = made);
        if (made.content === null) return content;
        if (sizeOf(made.content) > this.#maxBytes) throw new ConfigMapFullError(`the ConfigMap ${this.#name} would have ${sizeOf(made.content)} bytes; the most is ${this.#maxBytes}`);
        return made.content;
      };
      this.#waiting.push({ apply, succeed: () => resolve(result), fail: reject });
      this.#working ??= this.#work();
    });
  }

  /** Resolves when nothing is being written any more. */
  async idle(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    // What is asked for in the same turn goes out together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      await this.#pace.turn(this.#signal);
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#carryOut(batch);
      } catch (error) {
        this.#known = null;
        for (const one of batch) one.fail(error);
      }
    }
    this.#working = null;
  }

  async #carryOut(batch: readonly Waiting[]): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      // What we believe may be old; only a write over its very version tells, so what would write nothing reads first.
      const base = this.#known ?? (await this.#read());
      this.#checkEpoch(base);
      const before = contentOf(base);
      const { content, made, refused } = applyAll(batch, before);
      if (content === before && this.#known !== null) {
        this.#known = null;
        continue;
      }
      if (content !== before && !(await this.#write(base, content))) continue;
      for (const one of made) one.succeed();
      for (const { one, error } of refused) one.fail(error);
      return;
    }
    throw this.#givenUp();
  }

  #givenUp(): ClusterError {
    return new ClusterError("CONFLICT", `write the ConfigMap ${this.#name}: others wrote it ${MAX_TRIES} times meanwhile`);
  }

  /** What is written goes over the very version that was checked. */
  #checkEpoch(base: V1ConfigMap | null, purpose: "claim" | "write" = "write"): void {
    if (this.#epoch === null) return;
    const written = epochOf(base);
    if (written === "none") return;
    // The last number there is leaves none for whoever comes next.
    if (written === "unreadable" || (purpose === "claim" && (written >= MAX_EPOCH || this.#epoch > MAX_EPOCH))) throw new NoEpochError(this.#name, base?.metadata?.annotations?.[EPOCH] ?? "");
    if (written > this.#epoch || (purpose === "claim" && written === this.#epoch)) throw new LaterEpochError(this.#name, written);
  }

  async #read(): Promise<V1ConfigMap | null> {
    const { core, namespace, call } = this.#client;
    try {
      return await call(`read the ConfigMap ${this.#name}`, this.#signal, (options) => core.readNamespacedConfigMap({ name: this.#name, namespace }, options));
    } catch (error) {
      if (error instanceof ClusterError && error.code === "NOT_FOUND") return null;
      throw error;
    }
  }

  /** @returns false when it has changed meanwhile. */
  async #write(base: V1ConfigMap | null, content: Content): Promise<boolean> {
    const { core, namespace, call } = this.#client;
    const name = this.#name;
    const data = Object.fromEntries(content);
    const epoch = this.#epoch === null ? {} : { annotations: { ...base?.metadata?.annotations, [EPOCH]: String(this.#epoch) } };
    try {
      this.#pace.wrote(sizeOf(content));
      this.#known =
        base === null
          ? await call(`create the ConfigMap ${name}`, this.#signal, (options) => core.createNamespacedConfigMap({ namespace, body: { metadata: { name, namespace, ...epoch }, data }, fieldManager: FIELD_MANAGER }, options))
          : await call(`write the ConfigMap ${name}`, this.#signal, (options) => core.replaceNamespacedConfigMap({ name, namespace, body: { ...base, metadata: { ...base.metadata, ...epoch }, data }, fieldManager: FIELD_MANAGER }, options));
      return true;
    } catch (error) {
      this.#known = null;
      if (error instanceof ClusterError && (error.code === "CONFLICT" || (error.code === "NOT_FOUND" && base !== null))) return false;
      throw error;
    }
  }
}

function applyAll(batch: readonly Waiting[], before: Content): { readonly content: Content; readonly made: readonly Waiting[]; readonly refused: readonly { readonly one: Waiting; readonly error: unknown }[] } {
  const made: Waiting[] = [];
  const refused: { one: Waiting; error: unknown }[] = [];
  let content = before;
  for (const one of batch) {
    try {
      content = one.apply(content);
      made.push(one);
    } catch (error) {
      refused.push({ one, error });
    }
  }
  return { content, made, refused };
}

function epochOf(map: V1ConfigMap | null): number | "none" | "unreadable" {
  const text = map?.metadata?.annotations?.[EPOCH];
  if (text === undefined) return "none";
  return /^\d{1,10}$/.test(text) && Number(text) <= MAX_EPOCH ? Number(text) : "unreadable";
}

function contentOf(map: V1ConfigMap | null): Content {
  return new Map(Object.entries(map?.data ?? {}));
}

function sizeOf(content: Content): number {
  let bytes = 0;
  for (const [key, value] of content) bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  return bytes;
}
