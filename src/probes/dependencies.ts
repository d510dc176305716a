/** `dependencies`: Redis and the CDN at once; parts that are not configured are left out. */
import * as z from "zod";
import type { Assertion } from "../core/assertion.ts";
import type { Observation } from "../core/observation.ts";
import { reveal } from "../config/secret.ts";
import { httpUrlOrSecret } from "../config/values.ts";
import { isLoopback } from "../config/loopback.ts";
import type { Look, PreparedProbe } from "../ports/probe.ts";
import type { Probe, ProbeOrder, ProbePorts } from "./kind.ts";
import { lookAtCdn, lookAtRedis } from "./parts.ts";
import type { PartResult } from "./parts.ts";
import { blindness, guarded, report, unknown } from "./report.ts";

const schema = z.object({
  cdn_url: httpUrlOrSecret().optional().describe("A small object on the CDN; absent: the CDN is not looked at."),
});
type Settings = z.output<typeof schema>;

export const dependenciesProbe: Probe = {
  name: "dependencies",
  summary: "Looks at what the shop leans on: Redis answers a PING, the CDN answers at all.",
  schema,
  assertions: {
    redis: {
      value: "word",
      words: ["connected"],
      severity: "fail",
      example: "connected",
      inactiveWhen: ({ redis }) => (redis === null ? "no redis is configured" : null),
    },
    cdn: {
      value: "word",
      words: ["reachable"],
      severity: "fail",
      example: "reachable",
      inactiveWhen: (_site, settings) => ((settings as Settings | undefined)?.cdn_url === undefined ? "no cdn_url is configured" : null),
    },
  },
  scope: "site",
  remote: ({ redis }, settings) => [redis?.url, (settings as Settings | undefined)?.cdn_url].some((url) => url !== undefined && !isLoopback(url)),
  inactiveWhen: () => null,
  prepare: (order, ports) => {
    const parts = partsOf(order, ports);
    return { run: (look) => guarded(ports.clock.now, () => lookAtAll(parts, look, ports)), close: async () => {} } satisfies PreparedProbe;
  },
};

type Part = (look: Look) => Promise<PartResult>;

function partsOf({ settings, assertions }: ProbeOrder, { redis, http }: ProbePorts): readonly Part[] {
  const cdnUrl = (settings as Settings).cdn_url;
  const partOf = (assertion: Assertion): readonly Part[] => {
    if (assertion.name === "redis" && redis !== null) return [(look) => lookAtRedis(redis, assertion, look)];
    if (assertion.name === "cdn" && cdnUrl !== undefined) return [(look) => lookAtCdn(http, reveal(cdnUrl), assertion, look)];
    return [];
  };
  return assertions.flatMap(partOf);
}

async function lookAtAll(parts: readonly Part[], look: Look, { clock }: ProbePorts): Promise<Observation> {
  const results = await Promise.all(parts.map((part) => part(look)));
  const at = clock.now();
  const tookMs = Math.max(0, ...results.map((result) => result.tookMs));
  if (results.length === 0) return unknown(at, 0, "configuration", "no part is configured");
  const blind = results.every(({ trouble }) => trouble !== null && blindness(trouble, look) !== null);
  const first = results[0]?.trouble;
  if (blind && first !== undefined && first !== null) return unknown(at, tookMs, blindness(first, look) ?? "internal", first.detail);
  const causes = Object.fromEntries(results.flatMap(({ finding, trouble }) => (trouble === null ? [] : [[finding.assertion, trouble.cause]])));
  return report({ at, tookMs, findings: results.map(({ finding }) => finding), facts: {} }, causes);
}
