/** The provider that a configuration names. Route 53's SDK is loaded only where it is needed. */
import { CloudflareClient } from "../adapters/cloudflare/client.ts";
import { createCloudflareDns } from "../adapters/cloudflare/dns.ts";
import { createCloudflarePools } from "../adapters/cloudflare/pools.ts";
import type { ProviderConfig, RecordConfig } from "../config/regions-config.ts";
import type { Clock } from "../ports/clock.ts";
import type { Http } from "../ports/http.ts";
import type { Traffic } from "../ports/traffic.ts";

/** `shadow`: the shadow entry as the only one, to rehearse on; null: there is none. Both share one client, and with it the provider's limits. */
export type OpenTraffic = { readonly traffic: Traffic; readonly shadow: Traffic | null; readonly shadowRecord: RecordConfig | null };

export async function openTraffic(site: string, provider: ProviderConfig, http: Http, clock: Clock): Promise<OpenTraffic> {
  switch (provider.kind) {
    case "cloudflare_dns": {
      const { zone: zoneId, account: accountId, token, records, shadow, api } = provider;
      const client = new CloudflareClient({ http, clock, token, baseUrl: api });
      const open = (chosen: readonly RecordConfig[], beside: RecordConfig | null): Traffic => createCloudflareDns({ site, zoneId, accountId, records: chosen, shadow: beside }, client, clock);
      return { traffic: open(records, shadow), shadow: shadow === null ? null : open([shadow], null), shadowRecord: shadow };
    }
    case "cloudflare_pools": {
      const { zone: zoneId, account: accountId, token, balancers, shadow, api } = provider;
      const client = new CloudflareClient({ http, clock, token, baseUrl: api });
      const open = (chosen: typeof balancers, beside: typeof shadow): Traffic => createCloudflarePools({ site, zoneId, accountId, loadBalancers: chosen, shadow: beside }, client, clock);
      return { traffic: open(balancers, shadow), shadow: shadow === null ? null : open([shadow], null), shadowRecord: null };
    }
    case "route53": {
      const { createRoute53 } = await import("../adapters/route53/route53.ts");
      const { zone: zoneId, credentials, records, shadow, api } = provider;
      const keys = credentials === null ? null : { accessKeyId: credentials.id, secretAccessKey: credentials.secret };
      const open = (chosen: readonly RecordConfig[], beside: RecordConfig | null): Traffic => createRoute53({ site, clock, zoneId, credentials: keys, records: chosen, shadow: beside, ...(api === null ? {} : { endpoint: api }) });
      return { traffic: open(records, shadow), shadow: shadow === null ? null : open([shadow], null), shadowRecord: shadow };
    }
  }
}
