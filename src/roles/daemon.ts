/**
 * The daemon: the parts of a role, composed, started in order and stopped in reverse, and handed
 * over to another configuration while it runs.
 */
import { isDeepStrictEqual } from "node:util";
import { gatewaySetting, openGateway, type Gateway } from "./gateway.ts";
import type { DaemonParts } from "./ground.ts";
import type { Lasting, Shift } from "./shift.ts";
import { openStores, type Stores } from "./stores.ts";
import { markersOf, stopWithUs, supervisedBy } from "./supervision.ts";

export type { DaemonParts } from "./ground.ts";

/** Ports in use, for those configured as 0. */
export type DaemonPorts = { readonly ingress: number | null; readonly health: number; readonly admin: number | null; readonly public: number | null };

/**
 * What became of another configuration. `refused`: the one before is at work. `lost`: neither could be
 * started, so nothing is at work any more and the process should end, to be started anew.
 */
export type Taken = { readonly kind: "taken" } | { readonly kind: "refused"; readonly why: string } | { readonly kind: "lost"; readonly why: string };

export type Daemon = {
  ports(): DaemonPorts;
  /**
   * Goes on with another configuration. Supervised children run on and are adopted; a gateway whose
   * settings stay is not touched, another one listens before the last one stops. One call at a time.
   */
  take(next: Pick<DaemonParts, "config" | "parts">): Promise<Taken>;
  stop(): Promise<void>;
};

/** Requests and streams under way may finish for this long when a gateway stops. */
const DRAIN_MS = 10_000;

/** Starts everything. What had started is stopped again when a part cannot start. */
export async function startDaemon(parts: DaemonParts): Promise<Daemon> {
  const daemon = new RunningDaemon(parts);
  await daemon.start();
  return daemon;
}

class RunningDaemon implements Daemon {
  #parts: DaemonParts;
  #stores: { readonly open: Stores; readonly parts: DaemonParts } | null = null;
  #gateway: Gateway | null = null;
  #shift: Shift | null = null;
  /** Tells a person that the state file was lost; once its engine has stopped it does nothing, and the next one asks when it starts. */
  #tellLoss = (): void => {};
  /** Gateways that finish what they hold. */
  readonly #draining = new Set<Promise<void>>();

  constructor(parts: DaemonParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    try {
      const stores = await this.#storesFor(this.#parts);
      const ordered = Promise.withResolvers<void>();
      const opening = this.#gatewayFor(this.#parts, ordered.resolve).finally(ordered.resolve);
      // What buyers wait for goes first: all that watches is loaded while the gateway's thread starts, but
      // not before that has its orders, since loading holds this thread.
      await ordered.promise;
      const loading = import("./shift.ts");
      this.#gateway = await opening;
      const { startShift } = await loading;
      this.#shift = await startShift(this.#parts, this.#lasting(stores, this.#gateway), false);
    } catch (error) {
      await this.#closeLasting(0);
      throw error;
    }
    const { config, log } = this.#parts;
    log.info({ event: "started", ...this.ports() }, `watching ${config.targets.length} targets with ${config.checks.length} checks`);
  }

  ports(): DaemonPorts {
    return { ingress: this.#gateway?.host.port ?? null, health: this.#shift?.ports.health ?? 0, admin: this.#shift?.ports.admin ?? null, public: this.#shift?.ports.public ?? null };
  }

  async take({ config, parts }: Pick<DaemonParts, "config" | "parts">): Promise<Taken> {
    const before = this.#parts;
    const next = { ...before, config, parts };
    const old = this.#gateway;
    const shift = this.#shift;
    if (shift === null) return { kind: "lost", why: "nothing is at work" };
    // Children, copies and what is remembered hang on the name.
    if (config.site !== before.config.site) return { kind: "refused", why: `the site's name changed from ${before.config.site} to ${config.site}: stop the daemon and start it anew` };
    let gateway: Gateway | null;
    try {
      gateway = await this.#gatewayFor(next);
    } catch (error) {
      return { kind: "refused", why: textOf(error) };
    }
    const { startShift } = await import("./shift.ts");
    await this.#endShift(shift);
    try {
      this.#shift = await startShift(next, this.#lasting(await this.#storesFor(next), gateway), true);
    } catch (error) {
      return this.#goBack(gateway, textOf(error));
    }
    this.#parts = next;
    this.#gateway = gateway;
    if (old !== null && old !== gateway) this.#drain(old);
    await settleChildren(before, next, this.#shift);
    return { kind: "taken" };
  }

  async stop(): Promise<void> {
    const { config, parts } = this.#parts;
    this.#shift?.leaving();
    await this.#shift?.rest();
    // Buyers are let out before the application may be stopped.
    await this.#gateway?.host.drain(DRAIN_MS);
    if (this.#shift !== null && parts.supervises) await stopWithUs(config, this.#shift.processes, new Set());
    await this.#shift?.close();
    this.#shift = null;
    await this.#closeLasting(DRAIN_MS);
  }

  /** What does not end in order must not keep the next one from starting. */
  async #endShift(shift: Shift): Promise<void> {
    this.#shift = null;
    for (const step of [shift.rest, shift.close]) {
      await step().catch((error: unknown) => this.#parts.log.error({ event: "trouble" }, `the last configuration did not end in order: ${textOf(error)}`));
    }
  }

  /** The last configuration once more, since the next one could not start. */
  async #goBack(tried: Gateway | null, why: string): Promise<Taken> {
    if (tried !== null && tried !== this.#gateway) await tried.host.stop();
    try {
      const { startShift } = await import("./shift.ts");
      this.#shift = await startShift(this.#parts, this.#lasting(await this.#storesFor(this.#parts), this.#gateway), true);
      return { kind: "refused", why };
    } catch (error) {
      return { kind: "lost", why: `${why}; and the configuration before it could not be started again: ${textOf(error)}` };
    }
  }

  #lasting(stores: Stores, gateway: Gateway | null): Lasting {
    return { stores, gateway, side: null, lookout: null, onLoss: (tell) => void (this.#tellLoss = tell) };
  }

  /** The stores that are open where these settings want the same. */
  async #storesFor(parts: DaemonParts): Promise<Stores> {
    if (this.#stores !== null && sameStores(this.#stores.parts, parts)) return this.#stores.open;
    const last = this.#stores;
    this.#stores = null;
    await last?.open.close();
    const open = await openStores(parts.config, parts.parts.stores, parts.clock, (text) => parts.log.error({ event: "trouble" }, text), () => this.#tellLoss());
    this.#stores = { open, parts };
    return open;
  }

  /** The gateway that runs where these settings want the same. */
  async #gatewayFor({ config, parts, clock, spare }: DaemonParts, ordered?: () => void): Promise<Gateway | null> {
    const setting = parts.gateway ? gatewaySetting(config) : null;
    if (setting === null) return null;
    if (this.#gateway !== null && isDeepStrictEqual(this.#gateway.setting, setting)) return this.#gateway;
    return openGateway(setting, clock, this.#gateway, { spare, ...(ordered === undefined ? {} : { ordered }) });
  }

  #drain(gateway: Gateway): void {
    const drained = gateway.host.drain(DRAIN_MS).catch((error: unknown) => this.#parts.log.error({ event: "trouble" }, `the last gateway did not end in order: ${textOf(error)}`));
    this.#draining.add(drained);
    void drained.then(() => this.#draining.delete(drained));
  }

  async #closeLasting(drainMs: number): Promise<void> {
    await Promise.all([...this.#draining, this.#gateway?.host.drain(drainMs)]);
    this.#gateway = null;
    await this.#stores?.open.close();
    this.#stores = null;
  }
}

function sameStores(a: DaemonParts, b: DaemonParts): boolean {
  return a.parts.stores === b.parts.stores && isDeepStrictEqual([a.config.stores, a.config.ledger], [b.config.stores, b.config.ledger]);
}

/** Children that are kept no more end as their `on_exit` says; those whose command changed run on, and that is said. */
async function settleChildren(before: DaemonParts, next: DaemonParts, { processes }: Shift): Promise<void> {
  if (!before.parts.supervises) return;
  const kept = markersOf(next.config);
  try {
    await stopWithUs(before.config, processes, new Set(kept.values()));
  } catch (error) {
    next.log.error({ event: "trouble" }, `a child that is kept no more could not be stopped: ${textOf(error)}`);
  }
  const [was, is] = [supervisedBy(before.config), supervisedBy(next.config)];
  for (const target of kept.keys()) {
    if (was(target) === null || isDeepStrictEqual(was(target), is(target))) continue;
    next.log.warn({ event: "reload", target }, `${target} runs on as it was started; its changed command, folder, environment or log file counts from its next restart`);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
