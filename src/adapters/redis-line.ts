/**
 * A connection to Redis that keeps state: it never queues what cannot be sent, and each answer has a deadline.
 *
 * With ioredis's own settings the first command to a server that is not there failed after 74 s. It connects again
 * by itself; what is asked meanwhile fails at once.
 */
import type { Socket } from "node:net";
import { Redis } from "ioredis";
import type { Ms } from "../core/time.ts";
import { shortened } from "../core/shortened.ts";
import { StateStoreError } from "../ports/state-store.ts";

const CONNECT_MS: Ms = 2_000;
/** Below the time of a whole action, which a record must not outlast. */
const ANSWER_MS: Ms = 2_000;
const MAX_PAUSE_MS: Ms = 2_000;
/** What ioredis says of an answer that did not come in time. */
const TIMED_OUT = "Command timed out";

export type RedisLine = {
  /** A script with its keys; it runs whole or not at all. @throws {StateStoreError} `UNAVAILABLE`: it may have run. `CORRUPT`: what is under a key is not ours. */
  run(script: string, keys: readonly string[], args: readonly (string | number | Buffer)[]): Promise<unknown>;
  /** What is worth knowing of the server, where it tells: its policy of eviction, and whether it keeps what it has. */
  facts(): Promise<RedisFacts>;
  close(): void;
};

/** null: the server does not say, as managed ones may not. */
export type RedisFacts = {
  readonly maxmemoryPolicy: string | null;
  readonly appendOnly: boolean | null;
  /** "always", "everysec", "no". */
  readonly appendfsync: string | null;
};

/** Connects, in two seconds at most. @throws {StateStoreError} `UNAVAILABLE`, with what the server or the network said, never with the URL. */
export async function openRedisLine(url: string): Promise<RedisLine> {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_MS,
    commandTimeout: ANSWER_MS,
    retryStrategy: (times) => Math.min(100 * 2 ** times, MAX_PAUSE_MS),
  });
  const line = new Line(redis);
  try {
    await redis.connect();
    await line.alive();
  } catch (error) {
    line.close();
    throw line.explained(error);
  }
  return line;
}

class Line implements RedisLine {
  readonly #redis: Redis;
  /** ioredis says "Connection is closed." of everything; what really happened came by its `error` event. */
  #lastError: unknown = null;
  #closed = false;

  constructor(redis: Redis) {
    this.#redis = redis;
    redis.on("error", (error: unknown) => (this.#lastError = error));
    redis.on("ready", () => (this.#lastError = null));
  }

  async alive(): Promise<void> {
    await this.#redis.ping();
  }

  async run(script: string, keys: readonly string[], args: readonly (string | number | Buffer)[]): Promise<unknown> {
    if (this.#closed) throw new StateStoreError("UNAVAILABLE", "the store is closed");
    try {
      return await this.#redis.eval(script, keys.length, ...keys, ...args);
    } catch (error) {
      if (error instanceof Error && error.message === TIMED_OUT) this.#reset();
      throw this.explained(error);
    }
  }

  async facts(): Promise<RedisFacts> {
    const memory = await this.#told(() => this.#redis.info("memory"));
    const persistence = await this.#told(() => this.#redis.info("persistence"));
    const settings = await this.#told(() => this.#redis.config("GET", "appendfsync"));
    const field = (text: unknown, name: string): string | null => new RegExp(`^${name}:(\\S+)`, "m").exec(String(text))?.[1] ?? null;
    const appendOnly = field(persistence, "aof_enabled");
    return { maxmemoryPolicy: field(memory, "maxmemory_policy"), appendOnly: appendOnly === null ? null : appendOnly === "1", appendfsync: settingOf(settings, "appendfsync") };
  }

  close(): void {
    this.#closed = true;
    this.#redis.disconnect();
  }

  explained(error: unknown): StateStoreError {
    const isReply = error instanceof Error && error.name === "ReplyError";
    const said = isReply ? error : (this.#lastError ?? error);
    const detail = shortened(said instanceof Error ? said.message || String((said as NodeJS.ErrnoException).code) : String(said), 200);
    if (isReply && detail.includes("WRONGTYPE")) return new StateStoreError("CORRUPT", `a key of ours in Redis holds something else: ${detail}`, { cause: error });
    return new StateStoreError("UNAVAILABLE", `Redis: ${detail}`, { cause: error });
  }

  /**
   * A connection whose other end has vanished would be kept until the kernel gives it up, a quarter of an hour later. It is reset
   * and not closed: else the kernel might still deliver a write that was given up, after a later one over the next connection.
   */
  #reset(): void {
    // Until it has connected once there is none.
    const stream = this.#redis.stream as Socket | undefined;
    // Only a plain TCP socket can be reset.
    if (stream === undefined || stream.destroyed) return;
    if ("encrypted" in stream) stream.destroy();
    else stream.resetAndDestroy();
  }

  /** A question that may be forbidden. */
  async #told(ask: () => Promise<unknown>): Promise<unknown> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof Error && error.name === "ReplyError") return null;
      throw this.explained(error);
    }
  }
}

/** Pairs as RESP2 has them, or RESP3's map as ioredis makes one of it. */
function settingOf(reply: unknown, name: string): string | null {
  const value: unknown = Array.isArray(reply) ? reply[reply.indexOf(name) + 1] : typeof reply === "object" && reply !== null ? (reply as Record<string, unknown>)[name] : null;
  return typeof value === "string" && value !== name ? value : null;
}
