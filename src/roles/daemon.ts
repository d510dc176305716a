/**
 * The daemon: the parts of a role, composed, started in order and stopped in reverse.
 */
import type { GatewayConfig } from "../config/config.ts";
import type { Engine } from "../engine/engine.ts";
import type { GatewayHost, GatewayHostEvent } from "../gateway/worker-host.ts";
import { engineToGateway, gatewayToEngine, openGateway } from "./gateway.ts";
import { composeEngine, layGround, type AtStop, type DaemonParts } from "./ground.ts";
import { startListeners } from "./listeners.ts";
import { watchPulse } from "./pulse-watch.ts";
import { stopWithUs } from "./supervision.ts";

export type { DaemonParts } from "./ground.ts";

export type Daemon = {
  /** Ports in use, for those configured as 0. */
  readonly ports: { readonly ingress: number | null; readonly health: number; readonly admin: number | null };
  stop(): Promise<void>;
};

/** Requests and streams under way may finish for this long when the daemon stops. */
const DRAIN_MS = 10_000;

/** Starts everything. What had started is stopped again when a part cannot start. */
export async function startDaemon(parts: DaemonParts): Promise<Daemon> {
  const undo: (() => Promise<void> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
  };
  try {
    return { ports: await startParts(parts, (step) => undo.push(step)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startParts(daemon: DaemonParts, atStop: AtStop): Promise<Daemon["ports"]> {
  const { config, parts, clock, log } = daemon;
  const ground = await layGround(daemon, atStop);
  let host: GatewayHost | null = null;
  const engine = composeEngine(ground, daemon, () => host);
  if (parts.gateway && config.gateway !== null) host = await joinGateway(config.gateway, engine, daemon, atStop);
  const listeners = await startListeners({ config, admin: parts.admin, control: engine, ledger: ground.stores.ledger, registry: ground.registry, metrics: ground.metrics, host: () => host });
  atStop(() => listeners.close());
  await ground.outbox.resume();
  if (parts.supervises) atStop(() => stopWithUs(config, ground.processes));
  await engine.start();
  atStop(() => engine.stop());
  if (parts.pulse && host !== null) {
    const pulse = watchPulse({ config, clock, http: ground.http, host, lost: (loss) => engine.gatewayTrouble(loss.target, loss.detail) });
    atStop(() => pulse?.stop());
  }
  listeners.started();
  const ports = { ingress: portOf(host), ...listeners.ports };
  log.info({ event: "started", ...ports }, `watching ${config.targets.length} targets with ${config.checks.length} checks`);
  return ports;
}

/** Starts the gateway and joins it with the engine both ways. */
async function joinGateway(gateway: GatewayConfig, engine: Engine, { config, clock, log }: DaemonParts, atStop: AtStop): Promise<GatewayHost> {
  let host: GatewayHost | null = null;
  const early: GatewayHostEvent[] = [];
  const tell = gatewayToEngine(engine, () => host, gateway.target, log);
  host = await openGateway({ config, gateway, clock, on: (event) => (host === null ? void early.push(event) : tell(event)) });
  for (const event of early) tell(event);
  const opened = host;
  atStop(() => opened.drain(DRAIN_MS));
  engine.evidenceFrom(gateway.target, () => opened.evidence());
  engine.breakersFrom(() => opened.breakers());
  engine.subscribe(engineToGateway(opened, config, gateway.target, clock));
  return opened;
}

function portOf(host: GatewayHost | null): number | null {
  return host?.port ?? null;
}
