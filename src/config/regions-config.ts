/** The regions of a site, as the configuration has them. */
import type { RegionPlan } from "../core/region/region.ts";
import type { Secret } from "./secret.ts";

export type RegionsConfig = {
  /** The region this daemon is of; null: a witness's. */
  readonly here: string | null;
  /** Name by which its votes are counted: of its region, or of the witness. */
  readonly me: string;
  readonly plan: RegionPlan;
  readonly places: readonly RegionPlace[];
  readonly witnesses: readonly { readonly name: string; readonly daemon: string }[];
  readonly secret: Secret;
  /** Asked of each region's origin, and the status expected. */
  readonly page: string;
  readonly expect: number;
  /** null: a witness leads nobody. */
  readonly provider: ProviderConfig | null;
};

/** Where a region is found. URLs without a trailing slash. */
export type RegionPlace = { readonly name: string; readonly origin: string; readonly daemon: string };

export type RecordConfig = {
  readonly name: string;
  readonly type: "A" | "AAAA" | "CNAME";
  /** Of Cloudflare; elsewhere false. */
  readonly proxied: boolean;
  /** Seconds; 1 where it is proxied. */
  readonly ttl: number;
  /** By region: what leads there. */
  readonly values: Readonly<Record<string, string>>;
};

export type BalancerConfig = {
  readonly name: string;
  readonly id: string;
  /** By region: the pool that leads there. */
  readonly pools: Readonly<Record<string, string>>;
  /** `order`: the region's pool is put first. `flag`: the pool of `region`, which stands first, is enabled and disabled. */
  readonly by: { readonly kind: "order" } | { readonly kind: "flag"; readonly region: string };
};

export type ProviderConfig =
  | {
      readonly kind: "cloudflare_dns";
      readonly zone: string;
      readonly account: string | null;
      /** Seconds: the shortest TTL that the zone's plan takes. */
      readonly leastTtl: number;
      readonly token: Secret;
      readonly records: readonly RecordConfig[];
      readonly shadow: RecordConfig | null;
      readonly api: string;
    }
  | {
      readonly kind: "cloudflare_pools";
      readonly zone: string;
      readonly account: string;
      readonly token: Secret;
      readonly balancers: readonly BalancerConfig[];
      readonly shadow: BalancerConfig | null;
      readonly api: string;
    }
  | {
      readonly kind: "route53";
      readonly zone: string;
      /** null: what the AWS SDK finds. */
      readonly credentials: { readonly id: Secret; readonly secret: Secret } | null;
      readonly records: readonly RecordConfig[];
      readonly shadow: RecordConfig | null;
      /** null: Amazon's own. */
      readonly api: string | null;
    };
