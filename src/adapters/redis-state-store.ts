/**
 * Durable state in Redis, for daemons of which one leads.
 *
 * Three keys of a site: a hash of values ("3\n{…}": revision and value), its keys in byte order, and the epoch of the
 * newest leader. Each operation is one script, so that it is whole.
 * As durable as the server: see `redisWarnings`.
 */
import { MAX_EPOCH } from "../core/lease.ts";
import { shortened } from "../core/shortened.ts";
import { StateStoreError, SupersededError, type StateStore, type Stored } from "../ports/state-store.ts";
import type { RedisFacts, RedisLine } from "./redis-line.ts";
import { checkKey, checkValue } from "./state-bounds.ts";

/** Intents, cool-downs and episodes are some hundreds. */
const MAX_ROWS = 100_000;

/** KEYS: values, order, epoch. ARGV[1] of all: the own epoch, "" for none. */
const NEWEST = `
local stored = redis.call('GET', KEYS[3]) or '0'
local newest = string.match(stored, '^%d+$') and tonumber(stored)
if ARGV[1] ~= '' and not (newest and newest <= ${MAX_EPOCH}) then return { 'no_epoch', stored } end`;

const FENCE = `${NEWEST}
if ARGV[1] ~= '' and tonumber(ARGV[1]) < newest then return { 'superseded', newest } end`;

/** A server that was restarted may have forgotten the epoch under its leader. */
const RESTORE = `
if ARGV[1] ~= '' and tonumber(ARGV[1]) > newest then redis.call('SET', KEYS[3], ARGV[1]) end`;

/** An epoch is opened once: a lease that was made anew may come to the same number again. */
const CLAIM = `${NEWEST}
if ARGV[1] ~= '' and (newest >= ${MAX_EPOCH} or tonumber(ARGV[1]) > ${MAX_EPOCH}) then return { 'no_epoch', stored } end
if ARGV[1] ~= '' and tonumber(ARGV[1]) <= newest then return { 'superseded', newest } end
if ARGV[1] ~= '' then redis.call('SET', KEYS[3], ARGV[1]) end
return { 'ok' }`;

/** ARGV: epoch, key, value, revision expected or "", most rows. */
const PUT = `${FENCE}${RESTORE}
local old = redis.call('HGET', KEYS[1], ARGV[2])
local revision = 0
if old then
  revision = tonumber(string.match(old, '^(%d+)\\n'))
  if not revision then return { 'corrupt' } end
elseif redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[5]) then return { 'full' } end
if ARGV[4] ~= '' and tonumber(ARGV[4]) ~= revision then return { 'conflict' } end
redis.call('HSET', KEYS[1], ARGV[2], string.format('%d', revision + 1) .. '\\n' .. ARGV[3])
redis.call('ZADD', KEYS[2], 0, ARGV[2])
return { 'ok', revision + 1 }`;

const DELETE = `${FENCE}${RESTORE}
redis.call('HDEL', KEYS[1], ARGV[2])
redis.call('ZREM', KEYS[2], ARGV[2])
return { 'ok' }`;

/** KEYS: values, order. ARGV: first and last of the range, most. */
const LIST = `
local rows = {}
for _, key in ipairs(redis.call('ZRANGEBYLEX', KEYS[2], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])) do
  local row = redis.call('HGET', KEYS[1], key)
  if row then rows[#rows + 1] = key; rows[#rows + 1] = row end
end
return rows`;

const GET = "return redis.call('HGET', KEYS[1], ARGV[1])";

export type RedisStateStoreOptions = {
  readonly line: RedisLine;
  /** Sites share a Redis. */
  readonly site: string;
  /** Of the leader that writes; null: nobody is elected, and nothing is fenced. */
  readonly epoch: number | null;
};

/**
 * Raises the recorded epoch before anything is read, so that what an earlier leader still sends is refused.
 *
 * @throws {SupersededError} when a leader of this epoch or a newer one has begun; also this one itself, whose answer was lost.
 * @throws {StateStoreError} `UNAVAILABLE` when no answer came; `CORRUPT` when what stands there is no epoch.
 */
export async function openRedisStateStore({ line, site, epoch }: RedisStateStoreOptions): Promise<StateStore> {
  const store = new RedisStateStore(line, site, epoch);
  await store.claim();
  return store;
}

/**
 * What a server says of itself that whoever runs it should hear.
 *
 * @throws {StateStoreError} `UNAVAILABLE` for one that evicts: it would forget a cool-down in silence.
 */
export function redisWarnings({ maxmemoryPolicy, appendOnly, appendfsync }: RedisFacts): readonly string[] {
  if (maxmemoryPolicy !== null && maxmemoryPolicy !== "noeviction") {
    throw new StateStoreError("UNAVAILABLE", `Redis has maxmemory-policy ${maxmemoryPolicy}, and would drop state to make room: it must be noeviction, in a Redis apart from any cache`);
  }
  const eviction = maxmemoryPolicy === null ? ["Redis does not say its maxmemory-policy: it must be noeviction"] : [];
  if (appendOnly === false) return [...eviction, "Redis has appendonly no: when it is restarted it forgets what was written since its last snapshot"];
  if (appendfsync !== null && appendfsync !== "always") return [...eviction, `Redis has appendfsync ${appendfsync}: when its machine fails it forgets the last ${appendfsync === "everysec" ? "second" : "seconds"}`];
  return eviction;
}

class RedisStateStore implements StateStore {
  readonly #line: RedisLine;
  readonly #keys: readonly [values: string, order: string, epoch: string];
  readonly #epoch: number | null;
  #closed = false;

  constructor(line: RedisLine, site: string, epoch: number | null) {
    this.#line = line;
    const prefix = `shopkeeper:{${site}}:state`;
    this.#keys = [prefix, `${prefix}:order`, `${prefix}:epoch`];
    this.#epoch = epoch;
  }

  async claim(): Promise<void> {
    await this.#change(CLAIM, []);
  }

  async get(key: string): Promise<Stored | null> {
    this.#check(key);
    const row = await this.#line.run(GET, this.#keys, [key]);
    return row === null ? null : rowOf(key, row);
  }

  async list(prefix: string, limit = 1_000): Promise<readonly Stored[]> {
    this.#check(prefix);
    if (limit <= 0) return [];
    // No UTF-8 text has the byte FF in it, so it stands behind all that begin with the prefix.
    const reply = await this.#line.run(LIST, this.#keys, [`[${prefix}`, Buffer.concat([Buffer.from(`(${prefix}`), Buffer.of(0xff)]), limit]);
    const flat = Array.isArray(reply) ? (reply as readonly unknown[]) : [];
    return Array.from({ length: Math.floor(flat.length / 2) }, (_, index) => rowOf(textOf(flat[2 * index]), flat[2 * index + 1]));
  }

  async put(key: string, value: string, ifRevision?: number): Promise<number | "conflict"> {
    this.#check(key);
    checkValue(key, value);
    const [what, revision] = await this.#change(PUT, [key, value, ifRevision ?? "", MAX_ROWS]);
    if (what === "conflict") return "conflict";
    if (what === "full") throw new StateStoreError("TOO_LARGE", `Redis holds ${MAX_ROWS} rows of this site; that is the most`);
    if (what === "corrupt") throw foreign(key);
    return Number(revision);
  }

  async delete(key: string): Promise<void> {
    this.#check(key);
    await this.#change(DELETE, [key]);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  async #change(script: string, args: readonly (string | number)[]): Promise<readonly unknown[]> {
    const reply = (await this.#line.run(script, this.#keys, [this.#epoch ?? "", ...args])) as readonly unknown[];
    if (reply[0] === "superseded") throw new SupersededError(Number(reply[1]));
    if (reply[0] === "no_epoch") throw new StateStoreError("CORRUPT", `the key ${this.#keys[2]} in Redis holds ${JSON.stringify(shortened(textOf(reply[1]), 40))}, which is no epoch: delete it, once no other leader of this site writes there`);
    return reply;
  }

  #check(key: string): void {
    if (this.#closed) throw new StateStoreError("UNAVAILABLE", "the store is closed");
    checkKey(key);
  }
}

/** @throws {StateStoreError} `CORRUPT` */
function rowOf(key: string, row: unknown): Stored {
  const text = textOf(row);
  const end = text.indexOf("\n");
  const revision = /^\d+$/.test(text.slice(0, end)) ? Number(text.slice(0, end)) : null;
  if (end === -1 || revision === null) throw foreign(key);
  return { key, value: text.slice(end + 1), revision };
}

const textOf = (reply: unknown): string => (typeof reply === "string" ? reply : "");
const foreign = (key: string): StateStoreError => new StateStoreError("CORRUPT", `the value of ${key} in Redis was not written by Shopkeeper`);
