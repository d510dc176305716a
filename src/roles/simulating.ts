/**
 * What `simulate` and the scenario tests run: the real catalogues, bound to a simulated world.
 */
import { createMemoryLedger } from "../adapters/memory-ledger.ts";
import { createMemoryStateStore } from "../adapters/memory-state-store.ts";
import type { CheckConfig, Config } from "../config/config.ts";
import { probes } from "../probes/index.ts";
import type { ProbePorts } from "../probes/kind.ts";
import { tcpProbe } from "../probes/tcp.ts";
import { makeRemedies } from "../remedies/index.ts";
import type { SimulatedPorts, SimulationParts } from "../simulation/simulate.ts";
import { catalogues } from "./catalogues.ts";
import { markersOf, supervisedBy } from "./supervision.ts";

const LEDGER_LIMITS = { maxAgeMs: 366 * 86_400_000, maxBytes: 64_000_000 };
const RUNBOOKS = "docs/runbooks";

export const simulationParts: SimulationParts = {
  catalogues,
  probe: (check, config, ports) => probeOf(check).prepare(check, probePorts(config, ports)),
  references: (config, ports) => config.connectivity.map((address) => tcpProbe.prepare({ settings: { address, tls: false }, assertions: [], endpoint: null }, probePorts(config, ports))),
  remedies: (config, ports) =>
    makeRemedies({
      site: config.site,
      folder: config.folder,
      clock: ports.clock,
      processes: ports.processes,
      units: ports.units,
      outbox: ports.outbox,
      breakers: ports.breakers,
      cluster: null,
      claims: null,
      runbooks: RUNBOOKS,
      supervised: supervisedBy(config),
    }),
  ledger: (clock) => createMemoryLedger(clock, LEDGER_LIMITS),
  store: () => createMemoryStateStore(),
  marker: (config, target) => markersOf(config).get(target) ?? `${config.site}/${target}`,
};

function probeOf(check: CheckConfig): (typeof probes)[string] {
  const kind = probes[check.probe];
  if (kind === undefined) throw new Error(`check ${check.name}: no probe "${check.probe}" in this build`);
  return kind;
}

function probePorts(config: Config, ports: SimulatedPorts): ProbePorts {
  const urls = new Map(config.targets.map((target) => [target.id, target.url]));
  return {
    clock: ports.clock,
    http: ports.http,
    tcp: ports.tcp,
    redis: ports.redis,
    usage: ports.usage,
    sidecars: null,
    workloads: null,
    load: ports.load,
    site: { url: (target) => urls.get(target) ?? null, storefront: config.storefront, errorMarks: config.gateway?.errorMarks ?? [] },
  };
}
