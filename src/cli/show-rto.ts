/** What a configuration of regions adds up to, from a fault to the first page from elsewhere. */
import type { ProviderConfig, RegionsConfig } from "../config/regions-config.ts";
import { describeRto, RTO_TARGET, sumRto, type RtoPlan, type RtoRecord } from "../core/region/rto.ts";
import { formatDuration, type Ms } from "../core/time.ts";
import { ASK_DEADLINE } from "../core/region/vote.ts";
import { TRAFFIC_DEADLINE_MS } from "../ports/traffic.ts";

/** A line per record, then one per part; empty where there are no regions, or this one leads nobody. */
export function rtoText(regions: RegionsConfig | null, aim: Ms = RTO_TARGET): string {
  if (regions === null || regions.provider === null) return "";
  const lines = describeRto(sumRto(rtoPlanOf(regions, regions.provider), aim), aim);
  return `\nfrom a region that is lost to the first page from the next one (aim: ${formatDuration(aim)}):\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

function rtoPlanOf({ plan: { rules } }: RegionsConfig, provider: ProviderConfig): RtoPlan {
  const { lookEvery, lookDeadline, fall, quorum } = rules;
  // The region after the first waits for nobody.
  return { lookEveryMs: lookEvery, lookDeadlineMs: lookDeadline, fall, quorum, voteDeadlineMs: ASK_DEADLINE, decideEveryMs: lookEvery, yieldForMs: 0, applyDeadlineMs: TRAFFIC_DEADLINE_MS, records: recordsOf(provider) };
}

function recordsOf(provider: ProviderConfig): readonly RtoRecord[] {
  if (provider.kind === "cloudflare_pools") return provider.balancers.map(({ name }) => ({ name: `${name} pools`, provider: provider.kind, reach: { kind: "edge" } }));
  const leastTtlMs = provider.kind === "cloudflare_dns" ? provider.leastTtl * 1_000 : 1_000;
  return provider.records.map(({ name, type, proxied, ttl }) => ({ name: `${name} ${type}`, provider: provider.kind, reach: proxied ? { kind: "edge" } : { kind: "resolvers", ttlMs: ttl * 1_000, leastTtlMs } }));
}
