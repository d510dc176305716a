/**
 * Load balancers at Cloudflare: the first enabled pool leads to a region. What is steered is either the order of the
 * load balancer's default pools, or whether one pool is enabled; our mark stands in the description of the same thing,
 * so that both change in one call.
 *
 * Cloudflare's own monitors still pass over a pool that they find unhealthy: what we say is who comes first.
 */
import * as z from "zod";
import type { BalancerConfig } from "../../config/regions-config.ts";
import type { Clock } from "../../ports/clock.ts";
import { TrafficError } from "../../ports/traffic.ts";
import type { CloudflareClient } from "./client.ts";
import type { Ask, Change, Place } from "./place.ts";
import { GET_LOAD_BALANCER, GET_POOL, on, PATCH_LOAD_BALANCER, PATCH_POOL, type LoadBalancer } from "./schemas.ts";
import { CloudflareTraffic } from "./traffic.ts";

/** Of a load balancer that is not proxied and names no TTL, in seconds. */
const DEFAULT_TTL_SECONDS = 30;

/** As configured. By `flag` visitors bound to the pool by session affinity move too, and the token needs the right to edit pools. */
export type CloudflareLoadBalancer = BalancerConfig;

export type CloudflarePoolsConfig = {
  readonly site: string;
  readonly zoneId: string;
  readonly accountId: string;
  /** At most MAX_ENTRIES. */
  readonly loadBalancers: readonly CloudflareLoadBalancer[];
  /** One that no visitor uses, to prove rights and to rehearse on. */
  readonly shadow: CloudflareLoadBalancer | null;
};

const poolsFacts = z.strictObject({
  modifiedOn: z.string(),
  comment: z.string(),
  enabled: z.boolean(),
  /** How it chooses among pools; "off": by their order alone. */
  steering: z.string(),
  order: z.array(z.string()),
  /** Pools of regions that are disabled. */
  disabled: z.array(z.string()),
  proxied: z.boolean(),
  ttl: z.number(),
  affinity: z.string(),
  /** Of the pool whose flag is turned; 0: none is. */
  minimumOrigins: z.number(),
});
type PoolsFacts = Readonly<z.infer<typeof poolsFacts>>;

/** @param client of a token with the rights "Load Balancers: Edit" on the zone and "Load Balancing: Monitors And Pools: Read" (by flag: Edit) on the account. */
export function createCloudflarePools(config: CloudflarePoolsConfig, client: CloudflareClient, clock: Clock): CloudflareTraffic<PoolsFacts> {
  const { site, loadBalancers, shadow, accountId } = config;
  return new CloudflareTraffic({
    kind: "cloudflare_pools", site, accountId, client, clock,
    places: loadBalancers.map((one) => new LoadBalancerPlace(config, one)),
    shadow: shadow === null ? null : new LoadBalancerPlace(config, shadow),
    survey: async () => [],
  });
}

class LoadBalancerPlace implements Place<PoolsFacts> {
  readonly name: string;
  readonly facts = poolsFacts;
  readonly regions: readonly string[];
  readonly looks: Place<PoolsFacts>["looks"];
  readonly #zoneId: string;
  readonly #accountId: string;
  readonly #one: CloudflareLoadBalancer;

  /** @throws {RangeError} where it is steered by the pool of a region that has none. */
  constructor({ zoneId, accountId }: Pick<CloudflarePoolsConfig, "zoneId" | "accountId">, one: CloudflareLoadBalancer) {
    if (one.by.kind === "flag" && one.pools[one.by.region] === undefined) throw new RangeError(`${one.name} has no pool of ${one.by.region}, whose flag is to be turned`);
    this.name = `${one.name} pools`;
    this.regions = Object.keys(one.pools);
    this.#zoneId = zoneId;
    this.#accountId = accountId;
    this.#one = one;
    this.looks = [on(GET_LOAD_BALANCER, [zoneId, one.id]), ...Object.values(one.pools).map((id) => on(GET_POOL, [accountId, id]))];
  }

  async look(ask: Ask): Promise<PoolsFacts> {
    const [balancer, ...pools] = await Promise.all([
      ask(on(GET_LOAD_BALANCER, [this.#zoneId, this.#one.id])),
      ...Object.values(this.#one.pools).map((id) => ask(on(GET_POOL, [this.#accountId, id]))),
    ]);
    const flagged = this.#flagged();
    const pool = pools.find(({ id }) => id === flagged);
    return {
      modifiedOn: [balancer, ...pools].map(({ modified_on }) => modified_on).join(" "),
      comment: (pool ?? balancer).description ?? "",
      enabled: balancer.enabled,
      steering: steeringOf(balancer),
      order: balancer.default_pools,
      disabled: pools.filter(({ enabled }) => !enabled).map(({ id }) => id).toSorted(),
      proxied: balancer.proxied,
      ttl: balancer.ttl ?? DEFAULT_TTL_SECONDS,
      affinity: balancer.session_affinity ?? "none",
      minimumOrigins: pool?.minimum_origins ?? 0,
    };
  }

  lookAgain(ask: Ask): Promise<PoolsFacts> {
    return this.look(ask);
  }

  againTargets(): Place<PoolsFacts>["looks"] {
    return this.looks;
  }

  leadsTo({ enabled, steering, order, disabled }: PoolsFacts): string | null {
    const first = order.find((id) => !disabled.includes(id));
    return enabled && steering === "off" ? (this.regions.find((region) => this.#one.pools[region] === first) ?? null) : null;
  }

  show(facts: PoolsFacts): { readonly value: string; readonly staleForMs: number } {
    const { order, disabled, enabled, proxied, ttl } = facts;
    const pools = order.map((id) => `${this.regions.find((region) => this.#one.pools[region] === id) ?? id}${disabled.includes(id) ? " (disabled)" : ""}`);
    const balancer = enabled ? "" : ", the load balancer is disabled";
    return { value: `${pools.join(", then ")}${proxied ? ", proxied" : `, TTL ${ttl} s`}${balancer}`, staleForMs: proxied ? 0 : ttl * 1_000 };
  }

  drift({ steering, affinity }: PoolsFacts): readonly string[] {
    const steered = steering === "off" ? [] : [`steered by "${steering}", so that the order of its pools decides nothing`];
    const bound = affinity === "none" || this.#one.by.kind === "flag" ? [] : [`session affinity "${affinity}" keeps visitors with the pool they came to`];
    return [...steered, ...bound];
  }

  change(before: PoolsFacts, region: string | null, comment: string): Change<PoolsFacts> {
    const flagged = this.#flagged();
    const target = flagged === null ? on(PATCH_LOAD_BALANCER, [this.#zoneId, this.#one.id]) : on(PATCH_POOL, [this.#accountId, flagged]);
    if (region === null) return { target, body: { description: comment }, after: { ...before, comment } };
    const { steps, after } = flagged === null ? this.#reordered(before, region) : this.#flipped(before, region, flagged);
    const leadsTo = this.leadsTo(after);
    if (leadsTo !== region) throw new TrafficError("INVALID", `${this.name}: ${JSON.stringify(steps)} would lead to ${leadsTo ?? "no region"}, not to ${region}; it stands as ${this.show(before).value}`);
    return { target, body: { ...steps, description: comment }, after: { ...after, comment } };
  }

  idle(facts: PoolsFacts): Pick<Change<PoolsFacts>, "target" | "body"> {
    const flagged = this.#flagged();
    return flagged === null
      ? { target: on(PATCH_LOAD_BALANCER, [this.#zoneId, this.#one.id]), body: { proxied: facts.proxied } }
      : { target: on(PATCH_POOL, [this.#accountId, flagged]), body: { minimum_origins: facts.minimumOrigins } };
  }

  #reordered(before: PoolsFacts, region: string): { readonly steps: object; readonly after: PoolsFacts } {
    const first = this.#one.pools[region] ?? "";
    const order = [first, ...before.order.filter((id) => id !== first)];
    return { steps: { default_pools: order }, after: { ...before, order } };
  }

  #flipped(before: PoolsFacts, region: string, flagged: string): { readonly steps: object; readonly after: PoolsFacts } {
    const enabled = region === this.#flaggedRegion();
    const others = before.disabled.filter((id) => id !== flagged);
    return { steps: { enabled }, after: { ...before, disabled: (enabled ? others : [...others, flagged]).toSorted() } };
  }

  #flaggedRegion(): string | null {
    return this.#one.by.kind === "flag" ? this.#one.by.region : null;
  }

  #flagged(): string | null {
    const region = this.#flaggedRegion();
    return region === null ? null : (this.#one.pools[region] ?? null);
  }
}

/** "" stands for "geo" where there are pools by place, else for "off"; the provider's description writes it as two quotes. */
function steeringOf({ steering_policy, region_pools, country_pools, pop_pools }: LoadBalancer): string {
  if (steering_policy !== "" && steering_policy !== '""') return steering_policy;
  return [region_pools, country_pools, pop_pools].some((pools) => Object.keys(pools ?? {}).length > 0) ? "geo" : "off";
}
