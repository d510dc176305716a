/**
 * The worker's end of the link to the main thread: takes its messages, keeps what they
 * say, and shares what is stored here.
 */
import type { MessagePort } from "node:worker_threads";
import type { BreakerName } from "../core/breaker.ts";
import type { FirstFill } from "../core/readiness.ts";
import type { Ms } from "../core/time.ts";
import type { Breaker, BreakerChange } from "../ports/breaker.ts";
import type { Clock } from "../ports/clock.ts";
import type { CopyStore } from "../ports/copy-store.ts";
import type { DependencyHealth, FromGateway, ToGateway } from "../ports/gateway-link.ts";
import type { Telemetry } from "./telemetry.ts";

/** What a worker is started with, as its `workerData`. */
export type WorkerBoot = {
  /** This life's telemetry; see telemetry-layout.ts. */
  readonly telemetry: SharedArrayBuffer;
  /** Whatever the composition root asks for; plain data. */
  readonly setup: unknown;
};

/** A thread started ahead of time gets, as its `workerData`, the port by which its WorkerBoot comes later. */
export type WorkerAhead = { readonly ahead: MessagePort };

/** What this thread was started with, once that is known. */
export async function bootOf(data: WorkerBoot | WorkerAhead): Promise<WorkerBoot> {
  if (!("ahead" in data)) return data;
  const boot = await new Promise<WorkerBoot>((resolve) => data.ahead.once("message", resolve));
  data.ahead.close();
  return boot;
}

export type WorkerLinkParts = {
  readonly port: MessagePort;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** This thread's mirror of the copies. */
  readonly copies: CopyStore;
  readonly breakers: Readonly<Record<BreakerName, Breaker>>;
};

/** What the link starts and ends. */
export type WorkerLife = {
  /** Listens on this port, 0 for any. @returns the port it got. A rejection ends the worker. */
  readonly start: (port: number) => Promise<number>;
  /** The application has answered for the first time. May come before `start`. */
  readonly appUp: () => void;
  /** Stops accepting, finishes what runs, releases what keeps the thread alive. */
  readonly drain: (within: Ms) => Promise<void>;
};

export interface WorkerLink {
  /** The mirror, whose changes the main thread and the other workers get to know. */
  readonly copies: CopyStore;
  readonly storefront: () => DependencyHealth;
  readonly bypass: () => boolean;
  readonly quarantine: { suspects(requestClass: string): boolean };
  /** Hastens the checks; what comes within a second of the last is dropped. */
  trouble(cause: string): void;
  /** A position changed: the main thread's view follows. */
  breakerChanged(change: BreakerChange): void;
  log(level: "info" | "warn" | "error", text: string): void;
  /** The warm list was filled for the first time. */
  filled(fill: FirstFill): void;
  /** Takes messages from now on; once. Until then they wait in the port. */
  run(life: WorkerLife): void;
}

/** The loop shows that it turns this often. */
export const TICK_MS: Ms = 500;

const TROUBLE_SPACING_MS: Ms = 1_000;

/** A request cut off this long before a death is known may have caused it. */
const SUSPECT_WINDOW_MS: Ms = 2_000;

/** Longest cause or log line sent, in characters. */
const MAX_TEXT_LENGTH = 500;

/** What the main thread told last. */
type Told = { storefront: DependencyHealth; bypass: boolean; quarantined: ReadonlySet<string> };

/** @returns the link; what it knows is complete by the time `start` is called. */
export function openWorkerLink(parts: WorkerLinkParts): WorkerLink {
  const { port, clock } = parts;
  const told: Told = { storefront: "unknown", bypass: false, quarantined: new Set() };
  let troubleAt = -Infinity;
  const send = (message: FromGateway): void => port.postMessage(message);

  return {
    copies: sharing(parts.copies, send),
    storefront: () => told.storefront,
    bypass: () => told.bypass,
    quarantine: { suspects: (requestClass) => told.quarantined.has(requestClass) },
    trouble(cause) {
      const at = clock.now();
      if (at - troubleAt < TROUBLE_SPACING_MS) return;
      troubleAt = at;
      send({ kind: "trouble", at, cause: cause.slice(0, MAX_TEXT_LENGTH) });
    },
    breakerChanged: (change) => send({ kind: "breaker", change }),
    log: (level, text) => send({ kind: "log", level, text: text.slice(0, MAX_TEXT_LENGTH) }),
    filled: (fill) => send({ kind: "filled", fill }),
    run(life) {
      const tick = createTick(parts);
      port.on("message", (message: ToGateway) => {
        if (message.kind === "start") return void start(life, tick, message.port, send);
        if (message.kind === "drain") return void drain(parts, life, tick, message.within, send);
        if (message.kind === "app_up") return life.appUp();
        learn(parts, told, message, send);
      });
    },
  };
}

/** A worker that cannot listen is of no use: the rejection ends it, and the host starts another. */
async function start(life: WorkerLife, tick: Tick, wanted: number, send: (message: FromGateway) => void): Promise<void> {
  tick.start();
  send({ kind: "ready", port: await life.start(wanted) });
}

async function drain({ port, breakers }: WorkerLinkParts, life: WorkerLife, tick: Tick, within: Ms, send: (message: FromGateway) => void): Promise<void> {
  await life.drain(within);
  tick.stop();
  for (const breaker of Object.values(breakers)) breaker.shutdown();
  send({ kind: "drained" });
  port.close();
}

function learn({ telemetry, copies, breakers }: WorkerLinkParts, told: Told, message: Exclude<ToGateway, { readonly kind: "start" | "drain" | "app_up" }>, send: (message: FromGateway) => void): void {
  switch (message.kind) {
    case "copies":
      for (const copy of message.copies) copies.put(copy);
      return;
    case "purge":
      for (const key of message.keys) copies.delete(key);
      return;
    case "hold":
      return breakers[message.hold.breaker].hold(message.hold);
    case "release":
      return breakers[message.breaker].release(message.by);
    case "storefront_api":
      told.storefront = message.health;
      return;
    case "bypass":
      told.bypass = message.on;
      return;
    case "quarantine":
      told.quarantined = new Set(message.classes);
      return;
    case "app_died":
      return send({ kind: "suspects", at: message.at, classes: telemetry.suspects(message.at - SUSPECT_WINDOW_MS) });
    case "app_back":
      return breakers["ingress:app"].retrySoon();
  }
}

type Tick = { start(): void; stop(): void };

/** Shows in shared memory that this thread's loop turns. */
function createTick({ clock, telemetry }: WorkerLinkParts): Tick {
  let cancel = (): void => {};
  const turn = (): void => {
    telemetry.tick(clock.now());
    cancel = clock.after(TICK_MS, turn);
  };
  return { start: turn, stop: () => cancel() };
}

/** A store that tells of what is put and deleted here. What it evicts stays with the main thread. */
function sharing(inner: CopyStore, send: (message: FromGateway) => void): CopyStore {
  return {
    ...inner,
    put(copy) {
      const result = inner.put(copy);
      if (result.kind === "stored") send({ kind: "stored", copy });
      return result;
    },
    delete(key) {
      if (!inner.has(key)) return;
      inner.delete(key);
      send({ kind: "dropped", keys: [key] });
    },
  };
}
