/**
 * One kind of object kept in memory: listed, then watched, for ever.
 *
 * The client's own informer ends for good at the first error and says nothing more. Here whatever ends a watch
 * leads to the next one: from the last version where the server only closed it, from a new list where the
 * version is forgotten, after a pause where nobody answered. The server is asked to close each watch after some
 * seconds, so that silence is always either confirmed or noticed.
 */
import type { Instant, Ms } from "../../core/time.ts";
import { sleep } from "../../ports/clock.ts";
import { ClusterError } from "../../ports/cluster.ts";
import type { Sight } from "../../ports/cluster.ts";
import type { Random } from "../../ports/random.ts";
import type { KubernetesClient, WatchEnd } from "./client.ts";
import { listAll } from "./lists.ts";
import type { Source } from "./lists.ts";

export type ReflectorTimes = {
  /** How long the server keeps one watch open. Below the 30 s after which the client itself breaks off a quiet one. */
  readonly watchMs: Ms;
  /** A new list, whatever the watch said: what was missed is found again. */
  readonly relistMs: Ms;
  /** First and longest pause after a failure. */
  readonly backoffMs: Ms;
  readonly maxBackoffMs: Ms;
};

export const REFLECTOR_TIMES: ReflectorTimes = { watchMs: 15_000, relistMs: 300_000, backoffMs: 500, maxBackoffMs: 15_000 };

export type ReflectorParts<T> = {
  readonly client: KubernetesClient;
  readonly random: Random;
  readonly source: Source<T>;
  readonly times: ReflectorTimes;
  readonly changed: () => void;
  readonly sighted: (sight: Sight) => void;
};

type Meta = { readonly metadata?: { readonly name?: string; readonly resourceVersion?: string } };

export class Reflector<T extends { readonly name: string }> {
  readonly #parts: ReflectorParts<T>;
  readonly #stopping = new AbortController();
  #objects = new Map<string, T>();
  #version: string | null = null;
  #cut = 0;
  #sight: Sight = { state: "starting" };
  /** When the server last confirmed the picture. */
  #confirmedAt: Instant = -Infinity;
  #listedAt: Instant = -Infinity;
  #failures = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: ReflectorParts<T>) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#run();
  }

  objects(): Iterable<T> {
    return this.#objects.values();
  }

  sight(): Sight {
    return this.#sight;
  }

  staleForMs(): Ms {
    return this.#now() - this.#confirmedAt;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts.client;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const pause = await this.#step();
      if (pause > 0) await sleep(clock, pause, signal);
    }
  }

  /** One list where one is due, one watch, and how long to wait then. Never rejects. */
  async #step(): Promise<Ms> {
    const { relistMs } = this.#parts.times;
    const openedAt = this.#now();
    try {
      if (this.#version === null || openedAt - this.#listedAt >= relistMs) await this.#list();
      return this.#after(await this.#watch(this.#version ?? ""), openedAt);
    } catch (error) {
      return this.#failed(error instanceof ClusterError ? error : new ClusterError("UNAVAILABLE", error instanceof Error ? error.message : String(error), { cause: error }));
    }
  }

  async #list(): Promise<void> {
    const { client, source, changed } = this.#parts;
    const { items, version, cut } = await listAll(client, source, this.#stopping.signal);
    this.#objects = new Map(items.map((item) => [item.name, item]));
    this.#version = version;
    this.#cut = cut;
    this.#listedAt = this.#now();
    this.#confirm();
    changed();
  }

  #watch(version: string): Promise<WatchEnd> {
    const { client, source, times } = this.#parts;
    return client.watch({
      path: source.path(client.namespace),
      forMs: times.watchMs,
      query: {
        resourceVersion: version,
        allowWatchBookmarks: "true",
        ...(source.selector === null ? {} : { labelSelector: source.selector }),
      },
      opened: () => this.#confirm(),
      event: (phase, object) => this.#event(phase, object),
      signal: this.#stopping.signal,
    });
  }

  #event(phase: string, object: unknown): void {
    const { metadata } = object as Meta;
    if (metadata?.resourceVersion !== undefined) this.#version = metadata.resourceVersion;
    this.#confirm();
    const name = metadata?.name;
    if (phase === "BOOKMARK" || name === undefined) return;
    const { source, changed } = this.#parts;
    if (phase === "DELETED") this.#objects.delete(name);
    else if (this.#objects.has(name) || this.#objects.size < source.max) this.#objects.set(name, source.read(object));
    else return this.#overflow();
    changed();
  }

  /** One more than we keep; the next list counts them. */
  #overflow(): void {
    this.#cut += 1;
    if (this.#sight.state === "seeing") this.#see({ state: "seeing", cut: this.#cut });
  }

  #after(end: WatchEnd, openedAt: Instant): Ms {
    if (end.kind === "failed") return this.#failed(end.error);
    if (end.kind === "expired") this.#version = null;
    else this.#confirm();
    // A server, or something before it, that ends each watch at once would have us call in a circle.
    const { backoffMs } = this.#parts.times;
    return this.#now() - openedAt < backoffMs ? backoffMs : 0;
  }

  #failed(error: ClusterError): Ms {
    if (this.#stopping.signal.aborted) return 0;
    this.#failures += 1;
    if (this.#sight.state !== "blind") this.#see({ state: "blind", since: this.#now(), code: error.code, detail: error.message });
    return this.#backoff();
  }

  /** Doubling, half of it by chance, so that many daemons do not come back at once. */
  #backoff(): Ms {
    const { backoffMs, maxBackoffMs } = this.#parts.times;
    const full = Math.min(backoffMs * 2 ** (this.#failures - 1), maxBackoffMs);
    return full / 2 + (full / 2) * this.#parts.random.next();
  }

  #confirm(): void {
    if (this.#stopping.signal.aborted) return;
    this.#confirmedAt = this.#now();
    this.#failures = 0;
    if (this.#sight.state !== "seeing" || this.#sight.cut !== this.#cut) this.#see({ state: "seeing", cut: this.#cut });
  }

  #see(sight: Sight): void {
    this.#sight = sight;
    this.#parts.sighted(sight);
  }

  #now(): Instant {
    return this.#parts.client.clock.now();
  }
}
