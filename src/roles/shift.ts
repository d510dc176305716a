/**
 * A shift: one configuration at work. A daemon lives through as many as there are configurations;
 * the stores and the gateway are handed from one to the next.
 */
import type { Evidence } from "../core/evidence.ts";
import type { Roster } from "../core/roster.ts";
import type { TargetId } from "../core/target.ts";
import type { Engine } from "../engine/engine.ts";
import type { LocalProcesses } from "../adapters/local-processes.ts";
import { joinGateway, type Gateway } from "./gateway.ts";
import { composeEngine, layGround, type DaemonParts } from "./ground.ts";
import type { ClusterSide } from "./cluster-side.ts";
import { startListeners } from "./listeners.ts";
import type { PodWatch } from "./pod-watch.ts";
import type { Probing } from "./probing.ts";
import { watchPulse } from "./pulse-watch.ts";
import type { Stores } from "./stores.ts";

/** What outlives a shift. */
export type Lasting = {
  readonly stores: Stores;
  readonly gateway: Gateway | null;
  /** Of a leader; null: this role leads nobody. */
  readonly side: ClusterSide | null;
  /** Takes whom to tell that the state store lost what it held, before anything of this shift is read from it. */
  readonly onLoss: (tell: () => void) => void;
};

export type Shift = {
  readonly ports: { readonly health: number; readonly admin: number | null };
  readonly processes: LocalProcesses;
  /** `/health/ready` fails from now on. */
  leaving(): void;
  /** No more looks and actions; resolves when what runs has ended. The listeners still answer. */
  rest(): Promise<void>;
  /** After `rest`: closes all that is this shift's own. */
  close(): Promise<void>;
};

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

async function start(daemon: DaemonParts, { stores, gateway, side, onLoss }: Lasting, resumed: boolean, { closing, resting }: { readonly closing: Steps; readonly resting: Steps }): Promise<Shift> {
  const { config, parts, clock, log } = daemon;
  const ground = await layGround(daemon, stores, side, (step) => closing.push(step));
  const host = gateway?.host ?? null;
  const engine = composeEngine(ground, stores, daemon, host, side);
  const sitting = { control: engine, ledger: stores.ledger, registry: ground.registry, metrics: ground.metrics };
  if (gateway !== null) resting.push(joinGateway(gateway, engine, config, clock, log));
  const listeners = side?.listeners(sitting) ?? (await startListeners({ config, admin: parts.admin, sitting: () => sitting, host, log, resumed }));
  closing.push(() => listeners.close());
  await ground.outbox.resume();
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

/** Pods come and go. */
function followPods(pods: PodWatch, engine: Engine, { sidecars }: Probing): void {
  const known = new Set<TargetId>();
  const take = ({ targets }: Roster): void => {
    for (const { id, kind } of targets) {
      if (kind !== "pod" || known.has(id)) continue;
      known.add(id);
      engine.evidenceFrom(id, () => ({ ...NOTHING_SEEN, copies: sidecars?.last(id)?.copies ?? 0 }));
    }
    const now = new Set(targets.map(({ id }) => id));
    for (const id of known) if (!now.has(id)) known.delete(id);
    sidecars?.retain(now);
  };
  take(pods.roster());
  pods.follow((roster) => {
    engine.enrol(roster);
    take(roster);
  });
}

/** What passes a pod's gateway is not told here. */
const NOTHING_SEEN: Omit<Evidence, "copies"> = { lastGoodAt: null, lastFailedAt: null, succeeded: 0, failed: 0, inFlight: 0, oldestInFlightMs: 0 };

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
