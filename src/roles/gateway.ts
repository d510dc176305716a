/**
 * The gateway's place in a role: started with its copies, joined to the engine both ways.
 */
import { createMemoryCopies } from "../adapters/memory-copies.ts";
import { claimPort } from "../adapters/port-in-use.ts";
import { markClock } from "../adapters/thread-clock.ts";
import type { Config, GatewayConfig } from "../config/config.ts";
import type { BreakerHold, BreakerName, BreakerView } from "../core/breaker.ts";
import { keepsCopies } from "../core/preset.ts";
import type { TargetId } from "../core/target.ts";
import type { Engine } from "../engine/engine.ts";
import { startGateway, type GatewayHost, type GatewayHostEvent } from "../gateway/worker-host.ts";
import { routeNames } from "../gateway/request-guard.ts";
import type { WorkerSetup } from "../gateway/worker-setup.ts";
import type { BreakerControl } from "../ports/breaker-control.ts";
import type { Clock } from "../ports/clock.ts";
import type { CopyStore, SharedCopy } from "../ports/copy-store.ts";
import type { EngineEvent } from "../ports/events.ts";
import type { Logger } from "pino";
import type { Spare } from "./spare-thread.ts";
import { GATEWAY_WORKER } from "./thread-entries.ts";

/** Evidence that the application answers again is passed on at most this often. */
const BACK_SPACING_MS = 1_000;

/** Events kept while no engine takes them; beyond it the oldest is dropped. */
const MAX_WAITING = 256;

/** A gateway at work. It outlives the engine it is joined with where a new configuration leaves it as it is. */
export type Gateway = {
  readonly host: GatewayHost;
  readonly copies: CopyStore;
  readonly setting: GatewaySetting;
  /** From now on its events go here, those that waited first; null: they wait. */
  tell(take: ((event: GatewayHostEvent) => void) | null): void;
};

/** What a gateway is opened with. Where this changes, another one is opened. */
export type GatewaySetting = { readonly gateway: GatewayConfig; readonly upstream: string };

export type Opening = {
  /** A thread started ahead of time. */
  readonly spare?: Spare["take"] | undefined;
  /** Called once the gateway's thread has its orders: it needs nothing more of this one until it listens. */
  readonly ordered?: () => void;
};

/** null: this configuration has none. @throws {Error} when its target is not there, which the configuration's own validation rules out. */
export function gatewaySetting({ gateway, targets }: Config): GatewaySetting | null {
  if (gateway === null) return null;
  const target = targets.find((one) => one.id === gateway.target);
  if (target === undefined) throw new Error(`no target "${gateway.target}" stands behind the gateway`);
  return { gateway, upstream: target.url };
}

/**
 * Opens a gateway. A predecessor may still listen on the same port (SO_REUSEPORT): its copies and the
 * holds on its breakers are taken over; what it learnt of killer requests is not, and that is told.
 *
 * @throws {Error} with the worker's own reason, such as an address in use.
 */
export async function openGateway(setting: GatewaySetting, clock: Clock, before: Gateway | null, { spare, ordered }: Opening): Promise<Gateway> {
  const { gateway, upstream } = setting;
  if (before === null) await claimPort(gateway.listen.host, gateway.listen.port);
  const copies = createMemoryCopies({ totalBytes: gateway.copyBytes, entryBytes: gateway.copyBytesPerEntry });
  for (const copy of before === null ? [] : inheritance(before, gateway)) copies.put(copy);
  const waiting: GatewayHostEvent[] = before === null ? [] : forgotten(before, clock);
  let told: ((event: GatewayHostEvent) => void) | null = null;
  const starting = startGateway({
    workerUrl: GATEWAY_WORKER,
    setup: { gateway, upstream, clock: markClock(clock) } satisfies WorkerSetup,
    routes: routeNames(gateway),
    spare,
    workers: gateway.workers,
    port: portFor(gateway, before),
    copies,
    clock,
    on: (event) => {
      if (told !== null) return told(event);
      if (waiting.push(event) > MAX_WAITING) waiting.shift();
    },
  });
  ordered?.();
  const host = await starting;
  for (const { hold } of before?.host.breakers() ?? []) if (hold !== null) host.hold(hold);
  return {
    host,
    copies,
    setting,
    tell(take) {
      told = take;
      if (take !== null) for (const event of waiting.splice(0)) take(event);
    },
  };
}

/** Copies that the new gateway may serve: of the same application's pages, on routes that still are stored. */
function inheritance({ setting, copies }: Gateway, gateway: GatewayConfig): readonly SharedCopy[] {
  if (setting.gateway.target !== gateway.target || setting.gateway.preset !== gateway.preset) return [];
  const stored = new Set(gateway.routes.filter(({ mode }) => keepsCopies(mode)).map((route) => route.name));
  return copies.all().filter((copy) => stored.has(copy.meta.route));
}

/** What the predecessor held back is forwarded by its successor. */
function forgotten({ host }: Gateway, clock: Clock): GatewayHostEvent[] {
  const classes = host.view().quarantined.map(({ requestClass }) => requestClass);
  return classes.length === 0 ? [] : [{ kind: "quarantine_lifted", classes, why: "another gateway has taken over, which saw no deaths", at: clock.now() }];
}

/** "Any port" means the one in use, where there is one. */
function portFor({ listen }: GatewayConfig, before: Gateway | null): number {
  const stays = before !== null && listen.port === 0 && before.setting.gateway.listen.port === 0 && before.setting.gateway.listen.host === listen.host;
  return stays ? before.host.port : listen.port;
}

/** Joins a gateway and an engine both ways. @returns a function that parts them. */
export function joinGateway({ host, tell, setting }: Gateway, engine: Engine, config: Config, clock: Clock, log: Logger): () => void {
  const { target } = setting.gateway;
  engine.evidenceFrom(target, () => host.evidence());
  engine.breakersFrom(() => host.breakers());
  engine.gatewayFrom(() => host.view());
  if (apiChecksOf(config).size === 0) host.setStorefrontApi("unknown");
  // Nobody will say when it answers.
  if (!config.checks.some((check) => check.inactive === null && check.targets.includes(target))) host.appUp();
  const unsubscribe = engine.subscribe(engineToGateway(host, config, target, clock));
  tell(gatewayToEngine(engine, host, target, log));
  return () => {
    unsubscribe();
    tell(null);
  };
}

/** The breakers as remedies and the pulse hold them. Without a gateway there is none to hold. */
export function breakerControl(host: GatewayHost | null): BreakerControl {
  const told = (): GatewayHost => {
    if (host === null) throw new Error("no gateway runs here whose breaker could be held");
    return host;
  };
  return {
    hold: async (hold: BreakerHold) => told().hold(hold),
    release: async (breaker: BreakerName, by: string) => told().release(breaker, by),
    views: (): readonly BreakerView[] => host?.breakers() ?? [],
  };
}

/** What the gateway sees goes to the engine. */
function gatewayToEngine(engine: Engine, host: GatewayHost, target: TargetId, log: Logger): (event: GatewayHostEvent) => void {
  const moved = (breaker: BreakerName, why: string): void => {
    const view = host.breakers().find((one) => one.name === breaker);
    if (view !== undefined) engine.breakerChanged(view, why);
  };
  const moveClasses = ({ classes, at, why }: Extract<GatewayHostEvent, { readonly classes: readonly string[] }>, quarantined: boolean): void => {
    const total = host.view().quarantined.length;
    for (const requestClass of classes) engine.quarantineChanged({ at, target, requestClass, quarantined, why, total });
  };
  return (event) => {
    switch (event.kind) {
      case "trouble":
        return engine.gatewayTrouble(target, event.cause);
      case "breaker":
        return moved(event.change.breaker, event.change.why);
      case "held":
        return moved(event.breaker, event.why);
      case "worker_ready":
        return log.info({ event: "gateway", worker: event.worker, port: event.port }, `gateway listens on port ${event.port}`);
      case "worker_lost":
        return engine.workerLost({ at: event.at, worker: event.worker, loss: event.loss, detail: event.detail });
      case "quarantined":
        return moveClasses(event, true);
      case "quarantine_lifted":
        return moveClasses(event, false);
      case "log":
        return log[event.level]({ event: "gateway", worker: event.worker }, event.text);
    }
  };
}

/** What the engine learns goes to the gateway: the API's health, the application's deaths and returns. */
function engineToGateway(host: GatewayHost, config: Config, target: TargetId, clock: Clock): (event: EngineEvent) => void {
  let lastDeath = Number.NEGATIVE_INFINITY;
  const apiChecks = apiChecksOf(config);
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
        if (answered) host.appUp();
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
      case "quarantine":
      case "worker_lost":
      case "commanded":
      case "connectivity":
      case "troubled":
        return;
    }
  };
}

function apiChecksOf(config: Config): ReadonlySet<string> {
  return new Set(config.checks.filter((check) => check.probe === "storefront_api" && check.inactive === null).map((check) => check.name));
}

function isOpen(host: GatewayHost): boolean {
  return host.breakers().some((breaker) => breaker.name === "ingress:app" && breaker.own !== "closed");
}
