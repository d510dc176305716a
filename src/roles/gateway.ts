/**
 * The gateway's place in a role: started with its copies, joined to the engine both ways.
 */
import { createMemoryCopies } from "../adapters/memory-copies.ts";
import { markClock } from "../adapters/thread-clock.ts";
import type { Config, GatewayConfig } from "../config/config.ts";
import type { BreakerHold, BreakerName, BreakerView } from "../core/breaker.ts";
import type { TargetId } from "../core/target.ts";
import type { Engine } from "../engine/engine.ts";
import { startGateway, type GatewayHost, type GatewayHostEvent } from "../gateway/worker-host.ts";
import { routeNames } from "../gateway/request-guard.ts";
import type { WorkerSetup } from "../gateway/worker-setup.ts";
import type { BreakerControl } from "../ports/breaker-control.ts";
import type { Clock } from "../ports/clock.ts";
import type { EngineEvent } from "../ports/events.ts";
import type { Logger } from "pino";
import { GATEWAY_WORKER } from "./thread-entries.ts";

/** Evidence that the application answers again is passed on at most this often. */
const BACK_SPACING_MS = 1_000;

export type GatewayOpening = { readonly config: Config; readonly gateway: GatewayConfig; readonly clock: Clock; readonly on: (event: GatewayHostEvent) => void };

/** @throws {Error} with the worker's own reason, such as an address in use. */
export function openGateway({ config, gateway, clock, on }: GatewayOpening): Promise<GatewayHost> {
  const target = config.targets.find((one) => one.id === gateway.target);
  if (target === undefined) throw new Error(`no target "${gateway.target}" stands behind the gateway`);
  return startGateway({
    workerUrl: GATEWAY_WORKER,
    setup: { gateway, upstream: target.url, clock: markClock(clock) } satisfies WorkerSetup,
    routes: routeNames(gateway),
    workers: gateway.workers,
    port: gateway.listen.port,
    copies: createMemoryCopies({ totalBytes: gateway.copyBytes, entryBytes: gateway.copyBytesPerEntry }),
    clock,
    on,
  });
}

/** The breakers as remedies and the pulse hold them. Without a gateway there is none to hold. */
export function breakerControl(host: () => GatewayHost | null): BreakerControl {
  const told = (): GatewayHost => {
    const gateway = host();
    if (gateway === null) throw new Error("no gateway runs here whose breaker could be held");
    return gateway;
  };
  return {
    hold: async (hold: BreakerHold) => told().hold(hold),
    release: async (breaker: BreakerName, by: string) => told().release(breaker, by),
    views: (): readonly BreakerView[] => host()?.breakers() ?? [],
  };
}

/** What the gateway sees goes to the engine. */
export function gatewayToEngine(engine: Engine, host: () => GatewayHost | null, target: TargetId, log: Logger): (event: GatewayHostEvent) => void {
  return (event) => {
    switch (event.kind) {
      case "trouble":
        return engine.gatewayTrouble(target, event.cause);
      case "breaker": {
        const view = host()?.breakers().find((one) => one.name === event.change.breaker);
        return view === undefined ? undefined : engine.breakerChanged(view, event.change.why);
      }
      case "worker_ready":
        return log.info({ event: "gateway", worker: event.worker, port: event.port }, `gateway listens on port ${event.port}`);
      case "worker_lost":
        return log.error({ event: "gateway", worker: event.worker, loss: event.loss }, `a gateway worker was lost (${event.loss}) and is replaced: ${event.detail}`);
      case "quarantined":
        return log.warn({ event: "quarantine", classes: event.classes }, `in flight at two deaths of the application, not forwarded for now: ${event.classes.join("; ")}`);
      case "quarantine_lifted":
        return log.info({ event: "quarantine", classes: event.classes }, `forwarded again: ${event.classes.join("; ")}`);
      case "log":
        return log[event.level]({ event: "gateway", worker: event.worker }, event.text);
    }
  };
}

/** What the engine learns goes to the gateway: the API's health, the application's deaths and returns. */
export function engineToGateway(host: GatewayHost, config: Config, target: TargetId, clock: Clock): (event: EngineEvent) => void {
  let lastDeath = Number.NEGATIVE_INFINITY;
  const apiChecks = new Set(config.checks.filter((check) => check.probe === "storefront_api" && check.inactive === null).map((check) => check.name));
  let lastBack = Number.NEGATIVE_INFINITY;
  return (event) => {
    switch (event.kind) {
      case "verdict":
        if (apiChecks.has(event.check)) host.setStorefrontApi(event.to === "healthy" || event.to === "degraded" ? "healthy" : event.to === "unhealthy" ? "unhealthy" : "unknown");
        return;
      case "observed": {
        // One exit is seen by every check of the target at the same instant.
        if (event.target === target && event.seen.kind === "fail" && event.seen.cause === "exited" && event.seen.at !== lastDeath) {
          lastDeath = event.seen.at;
          return host.appDied();
        }
        const answered = event.target === target && (event.seen.kind === "pass" || event.seen.kind === "warn");
        if (!answered || clock.now() - lastBack < BACK_SPACING_MS || !isOpen(host)) return;
        lastBack = clock.now();
        return host.appBack();
      }
      case "status":
      case "flapping":
      case "decided":
      case "acted":
      case "verified":
      case "alerted":
      case "breaker":
      case "commanded":
      case "connectivity":
      case "troubled":
        return;
    }
  };
}

function isOpen(host: GatewayHost): boolean {
  return host.breakers().some((breaker) => breaker.name === "ingress:app" && breaker.own !== "closed");
}
