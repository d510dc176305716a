/**
 * The health and admin listeners of a role.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { FastifyInstance } from "fastify";
import type { Registry } from "prom-client";
import type { EngineMetrics } from "../adapters/metrics.ts";
import type { Config, Listen } from "../config/config.ts";
import type { Control } from "../ports/control.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { GatewayHost } from "../gateway/worker-host.ts";
import { adminListener } from "../server/admin-listener.ts";
import { healthListener } from "../server/health-listener.ts";
import { knownToken, type KnownToken } from "../server/tokens.ts";
import { adminToken } from "./admin-token.ts";
import { metricsText } from "./gateway-metrics.ts";
import { readinessOf } from "./readiness.ts";
import { VERSION } from "./version.ts";

export type ListenersParts = {
  readonly config: Config;
  readonly admin: boolean;
  readonly control: Control;
  readonly ledger: Ledger;
  readonly registry: Registry;
  readonly metrics: EngineMetrics;
  readonly host: () => GatewayHost | null;
};

export type Listeners = {
  readonly ports: { readonly health: number; readonly admin: number | null };
  /** From now on `/health/startup` passes. */
  started(): void;
  close(): Promise<void>;
};

export async function startListeners(parts: ListenersParts): Promise<Listeners> {
  const { config, control, host } = parts;
  let started = false;
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  const health = healthListener({
    snapshot: () => control.snapshot(),
    published: new Map(config.checks.map((check) => [check.published, check.name])),
    readiness: () => readinessOf(control.snapshot(), started, host()?.port ?? null, host()?.evidence() ?? null),
    started: () => started,
    metrics: () => {
      parts.metrics.eventLoopDelay.set(delay.percentile(99) / 1e9);
      delay.reset();
      for (const { name, effective } of host()?.breakers() ?? []) parts.metrics.breakerState.set({ breaker: name }, { closed: 0, open: 1, half_open: 2 }[effective]);
      return metricsText(parts.registry, host()?.counters() ?? null, config.site);
    },
    peers: config.peerToken === null ? [] : [knownToken("peer", "viewer", config.peerToken.reveal())],
    version: VERSION,
  });
  const open: FastifyInstance[] = [health];
  const close = async (): Promise<void> => {
    delay.disable();
    await Promise.all(open.map((one) => one.close()));
  };
  try {
    const healthPort = await listen(health, config.listeners.health);
    if (!parts.admin || config.listeners.admin === null) return { ports: { health: healthPort, admin: null }, started: () => void (started = true), close };
    const admin = adminListener({ control, ledger: parts.ledger, tokens: await tokensOf(config) });
    open.push(admin);
    return { ports: { health: healthPort, admin: await listen(admin, config.listeners.admin) }, started: () => void (started = true), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The configured tokens; without any, one for the person on this machine. */
async function tokensOf(config: Config): Promise<readonly KnownToken[]> {
  if (config.tokens.length > 0) return config.tokens.map(({ name, role, value }) => knownToken(name, role, value.reveal()));
  return [knownToken("local", "operator", await adminToken(config.folder))];
}

async function listen(app: FastifyInstance, { host, port }: Listen): Promise<number> {
  await app.listen({ host, port });
  const address = app.server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}
