/**
 * A shift: one configuration at work. A daemon lives through as many as there are configurations;
 * the stores and the gateway are handed from one to the next.
 */
import { createSystemRandom } from "../adapters/system-random.ts";
import { createSystemResolver } from "../adapters/system-resolver.ts";
import { regionHealths } from "../core/region/health.ts";
import type { RegionHealth } from "../core/scene.ts";
import { hasLeft } from "../core/siblings.ts";
import type { Engine } from "../engine/engine.ts";
import type { Http } from "../ports/http.ts";
import type { LocalProcesses } from "../adapters/local-processes.ts";
import { joinGateway, type Gateway } from "./gateway.ts";
import { composeEngine, layGround, type AtStop, type DaemonParts, type Ground } from "./ground.ts";
import type { ClusterSide } from "./cluster-side.ts";
import { startListeners, type Listeners } from "./listeners.ts";
import { followPods } from "./follow-pods.ts";
import { tendCluster } from "./tend-cluster.ts";
import { watchPulse } from "./pulse-watch.ts";
import { createReach } from "./reach.ts";
import type { RegionLookout } from "./region-lookout.ts";
import type { RegionParts, Regions } from "./regions.ts";
import { createSiblings, type Siblings } from "./siblings.ts";
import type { Stores } from "./stores.ts";

/** What outlives a shift. */
export type Lasting = {
  readonly stores: Stores;
  readonly gateway: Gateway | null;
  /** Of a leader; null: this role leads nobody. */
  readonly side: ClusterSide | null;
  /** Looks at the regions between shifts too; null: the shift opens its own, where it has regions. */
  readonly lookout: RegionLookout | null;
  /** Takes whom to tell that the state store lost what it held, before anything of this shift is read from it. */
  readonly onLoss: (tell: () => void) => void;
};

export type Shift = {
  readonly ports: Listeners["ports"];
  readonly processes: LocalProcesses;
  /** `/health/ready` fails from now on. */
  leaving(): void;
  /** No more looks and actions; resolves when what runs has ended. The listeners still answer. */
  rest(): Promise<void>;
  /** After `rest`: closes all that is this shift's own. */
  close(): Promise<void>;
};

type WatchedRegions = { readonly lookout: RegionLookout; readonly regions: RegionParts["regions"]; readonly healths: () => ReadonlyMap<string, RegionHealth> };

type Steps = (() => Promise<void> | void)[];

/**
 * Starts one. What had started is closed again when a part cannot start.
 *
 * @param resumed another shift went before: the daemon goes on, it does not start.
 */
export async function startShift(daemon: DaemonParts, lasting: Lasting, resumed: boolean): Promise<Shift> {
  const closing: Steps = [];
  const resting: Steps = [];
  try {
    return await start(daemon, lasting, resumed, { closing, resting });
  } catch (error) {
    await undo(resting);
    await undo(closing);
    throw error;
  }
}

async function start(daemon: DaemonParts, { stores, gateway, side, lookout, onLoss }: Lasting, resumed: boolean, { closing, resting }: { readonly closing: Steps; readonly resting: Steps }): Promise<Shift> {
  const { config, parts, clock, log } = daemon;
  const ground = await layGround(daemon, stores, side, (step) => closing.push(step));
  const host = gateway?.host ?? null;
  const watched = await watchedRegions(daemon, ground.http, lookout, (step) => closing.push(step));
  const engine = composeEngine(ground, stores, daemon, host, side, watched?.healths ?? null);
  const regions = await regionsOf(daemon, ground, { stores, side }, watched, engine);
  if (regions !== null) resting.push(() => regions.stop());
  const sitting = { control: engine, ledger: stores.ledger, registry: ground.registry, metrics: ground.metrics, regions: regions?.seat ?? null, measure: () => regions?.measure() };
  if (gateway !== null) resting.push(joinGateway(gateway, engine, config, clock, log));
  const siblings = joinSiblings(daemon, engine, ground.http, resting);
  const listeners = side?.listeners(sitting) ?? (await startListeners({ config, admin: parts.admin, sitting: () => sitting, host, clock, log, resumed, siblings: () => siblings?.state() ?? null, reach: reachOf(daemon, ground.http) }));
  closing.push(() => listeners.close());
  await ground.outbox.resume();
  // What the engine does until it has stopped is still noted.
  if (side !== null) resting.push(...tendCluster(side, engine, stores.ledger, daemon));
  resting.push(() => engine.stop());
  onLoss(() => void engine.stateLost());
  if (side?.pods != null) followPods(side.pods, engine, ground.probing);
  await engine.start();
  if (gateway !== null && parts.pulse) startPulse(daemon, gateway, engine, ground.http, resting);
  listeners.started();
  return {
    ports: listeners.ports,
    processes: ground.processes,
    leaving: () => listeners.leaving(),
    rest: () => undo(resting),
    close: () => undo(closing),
  };
}

/** null: the shop has one region, or this one leads nobody. Loaded where there are several. */
async function watchedRegions({ clock, log, config: { regions, connectivity } }: DaemonParts, http: Http, given: RegionLookout | null, atClose: AtStop): Promise<WatchedRegions | null> {
  if (regions === null || regions.here === null || regions.provider === null) return null;
  const { openLookout } = await import("./region-lookout.ts");
  const lookout = given ?? openLookout({ regions, connectivity, http, clock, log });
  if (given === null) atClose(() => lookout.close());
  return { lookout, regions: { ...regions, here: regions.here, provider: regions.provider }, healths: () => regionHealths(regions.plan, lookout.watch.views(), clock.now()) };
}

async function regionsOf(daemon: DaemonParts, { http, outbox, registry }: Ground, { stores, side }: Pick<Lasting, "stores" | "side">, watched: WatchedRegions | null, engine: Engine): Promise<Regions | null> {
  if (watched === null) return null;
  const { startRegions } = await import("./regions.ts");
  return startRegions({ daemon, regions: watched.regions, http, lookout: watched.lookout, outbox, registry, stores, side, snapshot: () => engine.snapshot() });
}

/** null: this one has no siblings, or nobody may ask it for them. */
function reachOf({ config: { peers, peerToken }, clock, resolver }: DaemonParts, http: Http): ReturnType<typeof createReach> | null {
  return peers === null || peerToken === null ? null : createReach({ ...peers, http, clock, resolver: resolver ?? createSystemResolver(clock) });
}

/** null: none are asked. Without a gateway, what they say would change nothing. */
function joinSiblings({ config, parts, clock, log, resolver }: DaemonParts, engine: Engine, http: Http, resting: Steps): Siblings | null {
  const { peers, peerToken } = config;
  if (peers === null || peerToken === null || !parts.gateway || config.gateway === null) return null;
  const siblings = createSiblings({
    ...peers,
    token: peerToken,
    ownHost: config.listeners.health.host,
    http,
    resolver: resolver ?? createSystemResolver(clock),
    random: createSystemRandom(),
    clock,
    found: (state) => log.info({ event: "siblings", finding: state.finding, left: hasLeft(state) }, state.why),
  });
  const unsubscribe = engine.subscribe((event) => {
    if (event.kind === "status") siblings.judged(event.to, event.causes);
  });
  resting.push(() => siblings.stop());
  resting.push(unsubscribe);
  return siblings;
}

function startPulse({ config, clock }: DaemonParts, { host }: Gateway, engine: Engine, http: Parameters<typeof watchPulse>[0]["http"], resting: Steps): void {
  const pulse = watchPulse({
    config,
    clock,
    http,
    host,
    lost: (loss) => engine.gatewayTrouble(loss.target, loss.detail),
  });
  if (pulse !== null) resting.push(() => pulse.stop());
}

/** Last begun, first ended. One that fails does not keep the others from ending; the first failure is told after all. */
async function undo(steps: Steps): Promise<void> {
  const failures: unknown[] = [];
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
