/**
 * A witness: outside every region it looks at them as a buyer would, and tells who asks. It leads nobody, and holds no credentials but the shared secret.
 */
import { Registry } from "prom-client";
import { createLeanHttp } from "../adapters/lean-http.ts";
import { createMemoryLedger } from "../adapters/memory-ledger.ts";
import { createEngineMetrics } from "../adapters/metrics.ts";
import { createRegionSight } from "../adapters/region-metrics.ts";
import type { RegionWatch } from "../engine/region/watch.ts";
import type { Daemon, DaemonPorts, Taken } from "./daemon.ts";
import type { DaemonParts } from "./ground.ts";
import { startListeners, type Listeners } from "./listeners.ts";
import { openLookout } from "./region-lookout.ts";
import { standbyControl, type Sitting } from "./sitting.ts";

export async function startWitness(parts: DaemonParts): Promise<Daemon> {
  const witness = new Witness(parts);
  await witness.start();
  return witness;
}

class Witness implements Daemon {
  #parts: DaemonParts;
  #listeners: Listeners | null = null;
  #ending: (() => Promise<void> | void)[] = [];

  constructor(parts: DaemonParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    const { config, clock, log } = this.#parts;
    const { regions } = config;
    if (regions === null || config.role !== "witness") throw new Error("the configuration was read for another role than witness");
    try {
      const http = createLeanHttp({ clock });
      this.#ending.push(() => http.close());
      const lookout = openLookout({ regions, connectivity: config.connectivity, http, clock, log });
      this.#ending.push(() => lookout.close());
      const sitting = sittingOf(this.#parts, lookout.watch, regions.me);
      const listeners = await startListeners({ config, admin: false, sitting: () => sitting, host: null, clock, log, resumed: false, siblings: () => null, reach: null });
      this.#listeners = listeners;
      this.#ending.push(() => listeners.close());
      listeners.started();
    } catch (error) {
      await this.stop();
      throw error;
    }
    log.info({ event: "started", ...this.ports() }, `the witness ${regions.me} of ${config.site} looks at ${regions.plan.regions.map(({ name }) => name).join(", ")}`);
  }

  ports(): DaemonPorts {
    return { ingress: null, health: this.#listeners?.ports.health ?? 0, admin: null, public: this.#listeners?.ports.public ?? null };
  }

  /** As if it had ended and begun anew. */
  async take({ config, parts }: Pick<DaemonParts, "config" | "parts">): Promise<Taken> {
    const before = this.#parts;
    try {
      await this.#beginWith({ ...before, config, parts });
      return { kind: "taken" };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      try {
        await this.#beginWith(before);
        return { kind: "refused", why };
      } catch (again) {
        return { kind: "lost", why: `${why}; and the configuration before it could not be started again: ${again instanceof Error ? again.message : String(again)}` };
      }
    }
  }

  async stop(): Promise<void> {
    this.#listeners?.leaving();
    for (let step = this.#ending.pop(); step !== undefined; step = this.#ending.pop()) await step();
    this.#listeners = null;
  }

  async #beginWith(parts: DaemonParts): Promise<void> {
    await this.stop();
    this.#parts = parts;
    await this.start();
  }
}

/** It has nothing of its own that could be ill: that it looks is all there is to say. */
function sittingOf({ config, clock }: DaemonParts, watch: RegionWatch, me: string): Sitting {
  const registry = new Registry();
  const see = createRegionSight(registry);
  const control = standbyControl(config.site, clock.now(), clock.now);
  return {
    control: { ...control, snapshot: () => ({ ...control.snapshot(), status: "healthy" }) },
    ledger: createMemoryLedger(clock, { maxAgeMs: 1_000, maxBytes: 1_000 }),
    registry,
    metrics: createEngineMetrics(registry),
    regions: { control: null, answer: ({ nonce, about }) => ({ nonce, observer: me, votes: watch.answer({ nonce, about }), report: null }), lost: () => null },
    measure: () => see(watch.verdicts()),
  };
}
