/**
 * The singleton: of several in a cluster one leads, watches all pods and acts on them; the others wait, and pass on
 * what they are asked.
 *
 * The listeners stay open all the while. A leadership is a shift of its own: state, ledger and the watch of the cluster
 * are opened when it is won, and let go when it is lost.
 */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { Registry } from "prom-client";
import { createLeanHttp } from "../adapters/lean-http.ts";
import { createMemoryLedger } from "../adapters/memory-ledger.ts";
import { createEngineMetrics } from "../adapters/metrics.ts";
import { createRegionSight } from "../adapters/region-metrics.ts";
import { ownAddress } from "../adapters/own-address.ts";
import { createSystemRandom } from "../adapters/system-random.ts";
import type { Leadership } from "../core/lease.ts";
import type { Ms } from "../core/time.ts";
import { createLead, type Lead } from "../engine/lead.ts";
import type { Http } from "../ports/http.ts";
import { SupersededError } from "../ports/state-store.ts";
import type { ActingOne } from "../server/forward.ts";
import { openClusterAccess, type ClusterAccess } from "./cluster-access.ts";
import type { Daemon, DaemonPorts, Taken } from "./daemon.ts";
import type { DaemonParts } from "./ground.ts";
import { beginLeading, type Leading } from "./leading.ts";
import type { RegionLookout } from "./region-lookout.ts";
import { startListeners, type Listeners } from "./listeners.ts";
import { standbyControl, type Sitting } from "./sitting.ts";

/** A shift that could not begin is tried again; meanwhile nobody acts. */
const RETRY_MS: Ms = 5_000;

/** Starts it. Resolves once the listeners are open; who leads is found out after. */
export async function startSingleton(parts: DaemonParts): Promise<Daemon> {
  const singleton = new Singleton(parts);
  await singleton.start();
  return singleton;
}

class Singleton implements Daemon {
  #parts: DaemonParts;
  #access: ClusterAccess | null = null;
  #http: Http | null = null;
  /** Standing by it looks at the regions all the same. */
  #lookout: RegionLookout | null = null;
  #listeners: Listeners | null = null;
  #lead: Lead | null = null;
  #leading: Leading | null = null;
  #standby: Sitting;
  #sitting: Sitting;
  /** What follows from winning and losing, one after the other. */
  #turns: Promise<void> = Promise.resolve();
  #stopped = false;
  /** Of the shift that is being begun. */
  #beginning = new AbortController();
  #troubled = "";
  #cancelRetry: () => void = () => {};

  constructor(parts: DaemonParts) {
    this.#parts = parts;
    this.#standby = this.#standingBy(parts);
    this.#sitting = this.#standby;
  }

  async start(): Promise<void> {
    const { config, clock, log } = this.#parts;
    if (config.cluster === null) throw new Error("the configuration was read for another role than singleton");
    try {
      this.#access = await openClusterAccess(config.cluster, clock, createSystemRandom());
      this.#http = createLeanHttp({ clock });
      this.#lookout = await lookoutOf(this.#parts, this.#http);
      this.#listeners = await startListeners({
        config, admin: true, host: null, clock, log, resumed: false, siblings: () => null, reach: null,
        sitting: () => this.#sitting,
        forward: { acting: () => this.#acting(), http: this.#http },
      });
      this.#listeners.started();
      this.#lead = this.#candidate(this.#access, this.#listeners);
      this.#lead.start();
    } catch (error) {
      await this.stop();
      throw error;
    }
    log.info({ event: "started", ...this.ports() }, `one of those that may lead ${config.site} in namespace ${this.#access.cluster.namespace}`);
  }

  ports(): DaemonPorts {
    return { ingress: null, health: this.#listeners?.ports.health ?? 0, admin: this.#listeners?.ports.admin ?? null, public: this.#listeners?.ports.public ?? null };
  }

  /** As if it had ended and begun anew: another one takes over meanwhile where there is one. */
  async take({ config, parts }: Pick<DaemonParts, "config" | "parts">): Promise<Taken> {
    const before = this.#parts;
    await this.#end();
    const begin = async (next: DaemonParts): Promise<void> => {
      this.#parts = next;
      this.#stopped = false;
      this.#standby = this.#standingBy(next);
      this.#sitting = this.#standby;
      await this.start();
    };
    try {
      await begin({ ...before, config, parts });
      return { kind: "taken" };
    } catch (error) {
      try {
        await begin(before);
        return { kind: "refused", why: textOf(error) };
      } catch (again) {
        return { kind: "lost", why: `${textOf(error)}; and the configuration before it could not be started again: ${textOf(again)}` };
      }
    }
  }

  async stop(): Promise<void> {
    this.#listeners?.leaving();
    await this.#end();
  }

  async #end(): Promise<void> {
    this.#stopped = true;
    this.#cancelRetry();
    this.#beginning.abort(new Error("shopkeeper is stopping"));
    // The shift ends before the lease is given back: two must never act at once.
    this.#turn(() => this.#leave("shopkeeper is stopping"));
    await this.#turns;
    await this.#lead?.stop();
    this.#lead = null;
    await this.#listeners?.close();
    this.#listeners = null;
    await this.#lookout?.close();
    this.#lookout = null;
    await this.#http?.close();
    await this.#access?.close();
    this.#access = null;
  }

  #candidate(access: ClusterAccess, { ports }: Listeners): Lead {
    const { config, clock, log } = this.#parts;
    return createLead({
      lease: access.lease,
      clock,
      me: `${hostname()}/${addressOf(ports.admin)}/${randomUUID().slice(0, 8)}`,
      ...(config.cluster === null ? {} : { times: config.cluster.lease.times }),
      won: (leadership) => {
        this.#troubled = "";
        log.info({ event: "leader", epoch: leadership.epoch }, `leads ${config.site}, epoch ${leadership.epoch}`);
        this.#turn(() => this.#enter(leadership));
      },
      lost: (why) => {
        log.warn({ event: "leader" }, `leads no more: ${why}`);
        this.#beginning.abort(new Error(why));
        this.#turn(() => this.#leave(why));
      },
      troubled: (detail) => {
        this.#troubled = detail;
        log.error({ event: "trouble", where: "lease" }, `the lease cannot be read or written: ${detail}`);
      },
    });
  }

  #turn(work: () => Promise<void>): void {
    this.#turns = this.#turns.then(work).catch((error: unknown) => this.#parts.log.error({ event: "trouble", where: "lead" }, textOf(error)));
  }

  async #enter(leadership: Leadership): Promise<void> {
    if (this.#stopped || this.#leading !== null || this.#lead?.leadership()?.epoch !== leadership.epoch) return;
    const beginning = new AbortController();
    this.#beginning = beginning;
    try {
      this.#leading = await this.#begin(leadership, beginning.signal);
    } catch (error) {
      if (beginning.signal.aborted) return;
      // The lease was made anew since the state was written, or another one leads by now: then the next renewal is refused.
      if (error instanceof SupersededError) this.#lead.raise(error.epoch + 1);
      this.#parts.log.error({ event: "trouble", where: "lead" }, `the shift could not begin, and is tried again: ${textOf(error)}`);
      this.#cancelRetry = this.#parts.clock.after(RETRY_MS, () => this.#turn(() => this.#enter(leadership)));
    }
  }

  #begin({ epoch }: Leadership, signal: AbortSignal): Promise<Leading> {
    const access = this.#access;
    const lead = this.#lead;
    if (access === null || lead === null) throw new Error("it is not started");
    return beginLeading(
      {
        daemon: this.#parts,
        access,
        epoch,
        lookout: this.#lookout,
        // Of this very leadership: another one has read the state anew.
        mayAct: () => lead.mayAct() && lead.leadership()?.epoch === epoch,
        seat: (sitting) => this.#seat(sitting),
        superseded: (error) => {
          this.#parts.log.error({ event: "trouble", where: "lead" }, `the shift ends, and begins anew where this one still holds the lease: ${error.message}; two leaders under two leases write to one place where two installations share a Redis under one \`site\``);
          lead.raise(error.epoch + 1);
          // Another shift may have begun meanwhile, which this says nothing of.
          this.#turn(async () => (this.#beginning.signal === signal ? this.#leave(error.message) : undefined));
        },
      },
      signal,
    );
  }

  /** What a shift closes of the listeners is only its seat. */
  #seat(sitting: Sitting): Listeners {
    const listeners = this.#listeners;
    if (listeners === null) throw new Error("the listeners are closed");
    this.#sitting = sitting;
    return { ...listeners, started: () => undefined, leaving: () => undefined, close: async () => void (this.#sitting = this.#standby) };
  }

  async #leave(why: string): Promise<void> {
    this.#cancelRetry();
    const leading = this.#leading;
    this.#leading = null;
    if (leading === null) return;
    // One that fails must not keep the others from ending: the next leadership begins on their ruins.
    for (const step of [leading.shift.rest, leading.shift.close, leading.close]) {
      await step().catch((error: unknown) => this.#parts.log.error({ event: "trouble", where: "lead" }, `the shift did not end in order: ${textOf(error)}`));
    }
    this.#sitting = this.#standby;
    this.#parts.log.info({ event: "leader" }, `the shift has ended: ${why}`);
  }

  #standingBy(parts: DaemonParts): Sitting {
    return standbySitting(parts, () => this.#lookout?.watch.verdicts() ?? new Map());
  }

  #acting(): ActingOne {
    if (this.#leading !== null) return { kind: "here" };
    const [, address = ""] = (this.#lead?.holder() ?? "").split("/");
    if (this.#lead?.leadership() != null) return { kind: "nobody", why: "this one leads since a moment ago and is getting ready" };
    if (this.#troubled !== "") return { kind: "nobody", why: `the lease cannot be read: ${this.#troubled}` };
    return address === "" ? { kind: "nobody", why: "nobody leads" } : { kind: "elsewhere", address };
  }
}

/** null: the shop has one region. Loaded where there are several. */
async function lookoutOf({ config: { regions, connectivity }, clock, log }: DaemonParts, http: Http): Promise<RegionLookout | null> {
  if (regions === null) return null;
  const { openLookout } = await import("./region-lookout.ts");
  return openLookout({ regions, connectivity, http, clock, log });
}

function standbySitting({ config, clock }: DaemonParts, verdicts: () => ReturnType<RegionLookout["watch"]["verdicts"]>): Sitting {
  const registry = new Registry();
  const metrics = createEngineMetrics(registry);
  metrics.leader(false);
  const see = config.regions === null ? null : createRegionSight(registry);
  return { control: standbyControl(config.site, clock.now(), clock.now), ledger: createMemoryLedger(clock, { maxAgeMs: 1_000, maxBytes: 1_000 }), registry, metrics, regions: null, measure: () => see?.(verdicts()) };
}

/** Where others reach it, "10.0.0.3:9471"; "" where they cannot. */
function addressOf(adminPort: number | null): string {
  const host = ownAddress();
  return adminPort === null || host === null ? "" : `${host.includes(":") ? `[${host}]` : host}:${adminPort}`;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
