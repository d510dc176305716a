/**
 * What the stand-in keeps: one zone of one account, its records, load balancers and pools; and what the public sees of
 * it, written into a name server at each change.
 */
import type { DnsRecord, LoadBalancer, Pool } from "../../src/adapters/cloudflare/schemas.ts";
import { AUTOMATIC_TTL } from "../../src/adapters/cloudflare/schemas.ts";
import type { PublicDns, RecordSet } from "../dns/powerdns.ts";

const AUTOMATIC_TTL_SECONDS = 300;

/** As the real one answers: the fields that nobody here reads, too. */
export type StoredRecord = DnsRecord & { readonly comment: string | null; readonly [key: string]: unknown };

export type NewRecord = Pick<DnsRecord, "name" | "content"> & { readonly type: RecordSet["type"]; readonly proxied?: boolean; readonly ttl?: number; readonly comment?: string | null };
export type NewPool = Pick<Pool, "name"> & { readonly addresses: readonly string[]; readonly description?: string; readonly enabled?: boolean };
export type NewLoadBalancer = Pick<LoadBalancer, "name" | "default_pools"> & Partial<Pick<LoadBalancer, "description" | "proxied" | "ttl" | "steering_policy" | "session_affinity" | "enabled" | "region_pools">>;

export type WorldOptions = {
  readonly zoneName: string;
  /** Enterprise zones take TTLs from 30 s, others from 60 s. */
  readonly plan: "free" | "enterprise";
  /** Where names that are proxied lead: addresses of the edge. */
  readonly edge: { readonly v4: readonly string[]; readonly v6: readonly string[] };
  /** null: the public sees nothing. */
  readonly dns: PublicDns | null;
};

/** How a record stood after a change. */
export type RecordChange = Pick<StoredRecord, "id" | "content" | "comment">;

/** A stand-in may stand for days in a demo. */
const MAX_CHANGES = 1_000;

export class World {
  readonly zoneId = "023e105f4ecef8ad9ca31a8372d0c353";
  readonly accountId = "01a7362d577a6c3019a474fd6f485823";
  readonly options: WorldOptions;
  readonly records = new Map<string, StoredRecord>();
  readonly pools = new Map<string, Pool>();
  readonly loadBalancers = new Map<string, LoadBalancer>();
  /** The last changes of records, oldest first, also those that changed nothing. */
  readonly recordChanges: RecordChange[] = [];
  #made = 0;
  #changes = 0;

  constructor(options: WorldOptions) {
    this.options = options;
  }

  async addRecord({ name, type, content, proxied = false, ttl = 60, comment = null }: NewRecord): Promise<StoredRecord> {
    const at = this.#stamp();
    const record: StoredRecord = {
      id: this.#id(), name, type, content, proxied, ttl: proxied ? AUTOMATIC_TTL : ttl, comment, proxiable: true, created_on: at, modified_on: at, meta: {}, settings: {}, tags: [],
    };
    this.records.set(record.id, record);
    await this.#publish(name);
    return record;
  }

  /** As PATCH does, and whoever clicks in the dashboard. */
  async editRecord(id: string, changes: Partial<Pick<StoredRecord, "content" | "comment" | "ttl" | "proxied">>): Promise<StoredRecord> {
    const merged = { ...found(this.records, id), ...changes, modified_on: this.#stamp() };
    const record = { ...merged, comment: merged.comment === "" ? null : merged.comment, ttl: merged.proxied ? AUTOMATIC_TTL : merged.ttl };
    this.records.set(id, record);
    this.recordChanges.push({ id, content: record.content, comment: record.comment });
    if (this.recordChanges.length > MAX_CHANGES) this.recordChanges.shift();
    await this.#publish(record.name);
    return record;
  }

  async removeRecord(id: string): Promise<void> {
    const { name } = found(this.records, id);
    this.records.delete(id);
    await this.#publish(name);
  }

  addPool({ name, addresses, description = "", enabled = true }: NewPool): Pool {
    const at = this.#stamp();
    const origins = addresses.map((address, index) => ({ name: `${name}-${index}`, address, enabled: true, weight: 1 }));
    const pool: Pool = { id: this.#id(), name, description, enabled, origins, minimum_origins: 1, monitor: "", created_on: at, modified_on: at };
    this.pools.set(pool.id, pool);
    return pool;
  }

  async editPool(id: string, changes: Partial<Pick<Pool, "description" | "enabled" | "minimum_origins">>): Promise<Pool> {
    const pool = { ...found(this.pools, id), ...changes, modified_on: this.#stamp() };
    this.pools.set(id, pool);
    for (const { name, default_pools } of this.loadBalancers.values()) if (default_pools.includes(id)) await this.#publish(name);
    return pool;
  }

  async addLoadBalancer(given: NewLoadBalancer): Promise<LoadBalancer> {
    const at = this.#stamp();
    const balancer: LoadBalancer = {
      description: "", enabled: true, proxied: true, steering_policy: "off", session_affinity: "none", region_pools: {}, country_pools: {}, pop_pools: {}, ttl: 30,
      ...given, id: this.#id(), fallback_pool: given.default_pools.at(-1) ?? null, created_on: at, modified_on: at,
    };
    this.loadBalancers.set(balancer.id, balancer);
    await this.#publish(balancer.name);
    return balancer;
  }

  async editLoadBalancer(id: string, changes: Partial<Pick<LoadBalancer, "description" | "default_pools" | "proxied" | "enabled">>): Promise<LoadBalancer> {
    const balancer = { ...found(this.loadBalancers, id), ...changes, modified_on: this.#stamp() };
    this.loadBalancers.set(id, balancer);
    await this.#publish(balancer.name);
    return balancer;
  }

  /** Where the edge fetches pages of a name from: contents of its records, or addresses of the pool that leads. */
  originsOf(name: string): readonly string[] {
    const balancer = [...this.loadBalancers.values()].find((one) => one.name === name && one.enabled);
    return balancer === undefined ? this.#named(name).map(({ content }) => content) : this.#leading(balancer);
  }

  #named(name: string): readonly StoredRecord[] {
    return [...this.records.values()].filter((record) => record.name === name);
  }

  #leading({ default_pools, fallback_pool }: LoadBalancer): readonly string[] {
    const leader = default_pools.find((id) => this.pools.get(id)?.enabled === true) ?? fallback_pool ?? "";
    return (this.pools.get(leader)?.origins ?? []).flatMap(({ address, enabled }) => (address === undefined || enabled === false ? [] : [address]));
  }

  /** All of a name's sets, those that are empty now too. */
  async #publish(name: string): Promise<void> {
    const { dns } = this.options;
    if (dns === null) return;
    // A name cannot have an alias beside anything else, so what goes is taken away before what comes is put.
    const sets = this.#public(name).toSorted((a, b) => a.contents.length - b.contents.length);
    for (const set of sets) await dns.put(set);
  }

  #public(name: string): readonly RecordSet[] {
    const { edge } = this.options;
    const records = this.#named(name);
    const balancer = [...this.loadBalancers.values()].find((one) => one.name === name && one.enabled);
    const proxied = balancer?.proxied ?? records.some((record) => record.proxied);
    const aliased = records.some(({ type }) => type === "CNAME");
    const ttlSeconds = balancer?.ttl ?? seconds(records[0]);
    const plain = (type: string): readonly string[] => (balancer === undefined ? records.filter((record) => record.type === type).map(({ content }) => content) : type === "A" ? this.#leading(balancer) : []);
    const shown = (type: "A" | "AAAA", addresses: readonly string[]): readonly string[] =>
      proxied ? (balancer !== undefined || aliased || plain(type).length > 0 ? addresses : []) : plain(type);
    return [
      { name, type: "A", ttlSeconds: proxied ? AUTOMATIC_TTL_SECONDS : ttlSeconds, contents: shown("A", edge.v4) },
      { name, type: "AAAA", ttlSeconds: proxied ? AUTOMATIC_TTL_SECONDS : ttlSeconds, contents: shown("AAAA", edge.v6) },
      { name, type: "CNAME", ttlSeconds, contents: proxied ? [] : plain("CNAME") },
    ];
  }

  #id(): string {
    this.#made += 1;
    return this.#made.toString(16).padStart(32, "0");
  }

  /** Each change has one of its own. */
  #stamp(): string {
    this.#changes += 1;
    return new Date().toISOString().replace("Z", `${String(this.#changes % 1_000).padStart(3, "0")}Z`);
  }
}

function seconds(record: StoredRecord | undefined): number {
  return record === undefined || record.ttl === AUTOMATIC_TTL ? AUTOMATIC_TTL_SECONDS : record.ttl;
}

function found<T>(all: ReadonlyMap<string, T>, id: string): T {
  const one = all.get(id);
  if (one === undefined) throw new Error(`there is no ${id}`);
  return one;
}
