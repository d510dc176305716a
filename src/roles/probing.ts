/**
 * From the configured checks to probes that can look: the catalogue's kinds, bound to this process's ports.
 */
import { createEventLoopLoad } from "../adapters/event-loop-load.ts";
import { SidecarHealth } from "../adapters/sidecar-health.ts";
import { createTargetUsage } from "../adapters/target-usage.ts";
import { createTcpConnect } from "../adapters/tcp-connect.ts";
import type { Config } from "../config/config.ts";
import { reveal, Secret } from "../config/secret.ts";
import type { Finding } from "../core/observation.ts";
import type { Clock } from "../ports/clock.ts";
import type { Cluster } from "../ports/cluster.ts";
import type { Http } from "../ports/http.ts";
import type { PreparedProbe } from "../ports/probe.ts";
import type { Processes } from "../ports/processes.ts";
import { probes } from "../probes/index.ts";
import type { ProbePorts } from "../probes/kind.ts";
import { sidecarProbe, throughSidecars } from "../probes/sidecar.ts";
import { tcpProbe } from "../probes/tcp.ts";
import type { PodWatch } from "./pod-watch.ts";
import { createWorkloadReader } from "./workload-reader.ts";
import { markersOf } from "./supervision.ts";

export type Probing = {
  /** By check name; one for every active check. */
  readonly probes: ReadonlyMap<string, PreparedProbe>;
  /** Reference looks of the connectivity guard; none while nothing lies beyond this host. */
  readonly references: readonly PreparedProbe[];
  /** null: there are no pods here. */
  readonly sidecars: SidecarHealth | null;
  close(): Promise<void>;
};

/** Where pods are found, and who measures them. */
export type PodSide = { readonly cluster: Cluster; readonly pods: PodWatch };

/** A client of Redis is loaded only where a Redis is configured. */
export async function prepareProbes(config: Config, clock: Clock, http: Http, processes: Processes, side: PodSide | null = null): Promise<Probing> {
  const tcp = createTcpConnect(clock);
  const redis = config.redis === null ? null : (await import("../adapters/redis-ping.ts")).createRedisPing({ clock, url: reveal(config.redis.url) });
  const urls = new Map(config.targets.map((target) => [target.id, target.url]));
  const pods = side?.pods ?? null;
  const sidecars = pods === null ? null : new SidecarHealth({ clock, http, address: (target) => pods.sidecar(target), token: config.peerToken?.reveal() ?? null, siblings: (target) => pods.siblingsOf(target) });
  const ports: ProbePorts = {
    clock,
    http,
    tcp,
    redis,
    usage: createTargetUsage({ markers: markersOf(config), targets: config.targets, processes }),
    load: createEventLoopLoad(),
    sidecars,
    workloads: side === null || sidecars === null ? null : createWorkloadReader({ config, clock, cluster: side.cluster, pods: side.pods, sidecars }),
    site: { url: (target) => urls.get(target) ?? pods?.application(target) ?? null, storefront: config.storefront, errorMarks: config.gateway?.errorMarks ?? [] },
  };
  const active = config.checks.filter((check) => check.inactive === null);
  const prepared = new Map<string, PreparedProbe>();
  const ofRedis = config.redis?.url instanceof Secret ? [config.redis.url] : [];
  for (const check of active) {
    const kind = probes[check.probe];
    if (kind === undefined) throw new Error(`check ${check.name}: no probe "${check.probe}" in this build`);
    const own = discreet(kind.prepare(check, ports), [...check.filled, ...ofRedis]);
    const read = sidecars !== null && kind.scope === "target" && kind !== sidecarProbe;
    prepared.set(check.name, read ? throughSidecars(check.name, own, sidecars) : own);
  }
  const references = active.some((check) => check.remote) ? config.connectivity.map((address) => tcpProbe.prepare({ settings: { address, tls: false }, assertions: [], endpoint: null }, ports)) : [];
  return {
    probes: prepared,
    references,
    sidecars,
    async close() {
      await Promise.all([...prepared.values(), ...references].map((probe) => probe.close()));
      await Promise.all([tcp.close(), redis?.close()]);
    },
  };
}

/** What a look met may repeat what it was told (a host that has no address, an answer that is an echo): in what it says the references stand instead. */
function discreet(probe: PreparedProbe, filled: readonly Secret[]): PreparedProbe {
  if (filled.length === 0) return probe;
  const shown = (text: string): string => Secret.conceal(text, filled);
  const finding = (one: Finding): Finding => ({ ...one, observed: shown(one.observed), expected: shown(one.expected) });
  return {
    run: async (look) => {
      const seen = await probe.run(look);
      const findings = seen.findings === undefined ? {} : { findings: seen.findings.map(finding) };
      return seen.kind === "pass" ? { ...seen, ...findings } : { ...seen, ...findings, detail: shown(seen.detail) };
    },
    close: () => probe.close(),
  };
}
