/** From the file's words to regions, once they are known to be right. */
import type { RegionPlan } from "../core/region/region.ts";
import type { BalancerConfig, ProviderConfig, RecordConfig, RegionsConfig } from "./regions-config.ts";
import type { FailoverInput } from "./regions-schema.ts";
import type { SiteInput } from "./site-schema.ts";

/** Seconds of a record whose file names none. */
const DEFAULT_TTL = 60;
/** Seconds, by the plan of a zone at Cloudflare. */
export const LEAST_TTL = { enterprise: 30, other: 60 } as const;
/** As Cloudflare writes "automatic", which a proxied record's always is. */
const AUTOMATIC_TTL = 1;

/** null: the shop has one region, or nobody watches the others. */
export function buildRegions(input: SiteInput): RegionsConfig | null {
  const { regions, witnesses, failover } = input;
  if (failover === undefined) return null;
  const here = input.region ?? null;
  return {
    here,
    me: here ?? input.witness ?? "",
    plan: planOf(input.site, regions, witnesses, failover),
    places: Object.entries(regions).map(([name, { origin, daemon }]) => ({ name, origin, daemon })),
    witnesses: Object.entries(witnesses).map(([name, { daemon }]) => ({ name, daemon })),
    secret: failover.secret,
    page: failover.page,
    expect: failover.expect,
    provider: providerOf(failover),
  };
}

/** In the order of the file, the first preferred. */
export function planOf(site: string, regions: SiteInput["regions"], witnesses: SiteInput["witnesses"], failover: FailoverInput): RegionPlan {
  return {
    site,
    regions: Object.entries(regions).map(([name, { floor }]) => ({ name, floor })),
    witnesses: Object.keys(witnesses),
    rules: {
      quorum: failover.quorum,
      fall: failover.fall,
      rise: failover.rise,
      lookEvery: failover.look_every,
      lookDeadline: failover.look_deadline,
      copiesFor: failover.copies_for,
      disagreeFor: failover.disagree_for,
      yieldFor: failover.yield_for,
      block: failover.between,
      failbackAfter: failover.failback === "manual" ? null : failover.failback,
      tryFor: failover.try_for,
      repairs: 3,
    },
  };
}

function providerOf({ cloudflare, cloudflare_pools: pools, route53 }: FailoverInput): ProviderConfig | null {
  if (cloudflare !== undefined) {
    const { zone, account = null, enterprise, token, api } = cloudflare;
    return { kind: "cloudflare_dns", zone, account, leastTtl: LEAST_TTL[enterprise ? "enterprise" : "other"], token, api, records: cloudflare.records.map(recordOf), shadow: cloudflare.shadow === undefined ? null : recordOf(cloudflare.shadow) };
  }
  if (pools !== undefined) {
    const { zone, account, token, api } = pools;
    return { kind: "cloudflare_pools", zone, account, token, api, balancers: pools.load_balancers.map(balancerOf), shadow: pools.shadow === undefined ? null : balancerOf(pools.shadow) };
  }
  if (route53 === undefined) return null;
  const { zone, access_key_id: id, secret_access_key: secret, api = null } = route53;
  return { kind: "route53", zone, api, credentials: id === undefined || secret === undefined ? null : { id, secret }, records: route53.records.map(recordOf), shadow: route53.shadow === undefined ? null : recordOf(route53.shadow) };
}

function recordOf(input: { readonly name: string; readonly type: RecordConfig["type"]; readonly proxied?: boolean; readonly ttl?: number | undefined; readonly to: Readonly<Record<string, string>> }): RecordConfig {
  const proxied = input.proxied ?? false;
  return { name: input.name, type: input.type, proxied, ttl: proxied ? AUTOMATIC_TTL : (input.ttl ?? DEFAULT_TTL), values: input.to };
}

function balancerOf(input: NonNullable<FailoverInput["cloudflare_pools"]>["load_balancers"][number]): BalancerConfig {
  return { name: input.name, id: input.id, pools: input.pools, by: input.by === "order" ? { kind: "order" } : { kind: "flag", region: input.by.flag } };
}
