/**
 * One life of one gateway worker, seen from the main thread.
 */
import { Worker, type MessagePort, type ResourceLimits } from "node:worker_threads";
import type { Instant, Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { FromGateway, ToGateway } from "../ports/gateway-link.ts";
import { createTelemetryMemory } from "./telemetry-layout.ts";
import { readHeartbeat } from "./telemetry-reader.ts";
import type { WorkerBoot } from "./worker-link.ts";

/** A thread that has loaded the worker's module and waits at the other end of `boot` for its WorkerBoot. */
export type SpareThread = { readonly worker: Worker; readonly boot: MessagePort };

export type WorkerThreadParts = {
  /** The worker's module. */
  readonly url: URL;
  /** Plain data for its composition root. */
  readonly setup: unknown;
  readonly routes: number;
  readonly resourceLimits: ResourceLimits;
  /** A thread started ahead of time, taken instead of a new one; null when there is none. */
  readonly spare?: (() => SpareThread | null) | undefined;
  readonly clock: Clock;
  /** Names this life: 1, 2, 3… */
  readonly life: number;
};

export interface WorkerThread {
  readonly life: number;
  readonly startedAt: Instant;
  readonly telemetry: SharedArrayBuffer;
  post(message: ToGateway): void;
  /** Messages other than `ready` and `drained`, which are answered here. */
  onMessage(take: (message: FromGateway) => void): void;
  /** Sends `start`. @returns the port, or why there is none: it ended first, or took longer than `within`. */
  listen(port: number, within: Ms): Promise<{ readonly port: number } | { readonly problem: string }>;
  /** Sends `drain`. Resolves once it drained, ended, or `within` is over. */
  drain(within: Ms): Promise<void>;
  /** Why it ended. Resolves once its memory is no longer written. */
  readonly ended: Promise<string>;
  /** Compares its heartbeat with the last look's; to be asked every LOOK_MS. */
  look(): "well" | "stuck";
  terminate(): Promise<void>;
}

/** The heartbeat is looked at this often. */
export const LOOK_MS: Ms = 500;

/** A loop that stands still for so long is stuck. */
export const STUCK_MS: Ms = 5_000;

/** Starts the thread. It listens only after `listen`. */
export function startWorkerThread(parts: WorkerThreadParts): WorkerThread {
  const { routes, clock, life } = parts;
  const telemetry = createTelemetryMemory(routes);
  const worker = launch(parts, telemetry);
  const listeners: ((message: FromGateway) => void)[] = [];
  let problem = "";

  worker.on("message", (message: FromGateway) => {
    for (const listener of listeners) listener(message);
  });
  worker.on("error", (error: unknown) => {
    problem = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  });
  worker.on("messageerror", (error) => {
    problem = `a message could not be read: ${error.message}`;
  });
  const ended = new Promise<string>((resolve) => {
    worker.once("exit", (code) => resolve(problem === "" ? `exited with code ${code}` : problem));
  });

  /** Waits for one kind of message, the end of the thread, or the end of patience. */
  const answer = async <K extends FromGateway["kind"]>(kind: K, within: Ms): Promise<Extract<FromGateway, { readonly kind: K }> | { readonly problem: string }> => {
    let cancel = (): void => {};
    const late = new Promise<{ readonly problem: string }>((resolve) => {
      cancel = clock.after(within, () => resolve({ problem: `no ${kind} within ${within} ms` }));
    });
    const told = new Promise<Extract<FromGateway, { readonly kind: K }>>((resolve) => {
      listeners.push((message) => {
        if (isKind(message, kind)) resolve(message);
      });
    });
    const first = await Promise.race([told, late, ended.then((why) => ({ problem: why }))]);
    cancel();
    return first;
  };

  return {
    life,
    telemetry,
    startedAt: clock.now(),
    ended,
    post: (message) => worker.postMessage(message),
    onMessage: (take) => listeners.push(take),
    listen(port, within) {
      worker.postMessage({ kind: "start", port } satisfies ToGateway);
      return answer("ready", within);
    },
    async drain(within) {
      worker.postMessage({ kind: "drain", within } satisfies ToGateway);
      await answer("drained", within);
    },
    look: watchHeartbeat(telemetry, clock),
    async terminate() {
      await worker.terminate();
      await ended;
    },
  };
}

function launch({ url, setup, resourceLimits, spare, life }: WorkerThreadParts, telemetry: SharedArrayBuffer): Worker {
  const boot: WorkerBoot = { telemetry, setup };
  const ahead = spare?.() ?? null;
  if (ahead === null) return new Worker(url, { name: `gateway-${life}`, workerData: boot, resourceLimits });
  ahead.boot.postMessage(boot);
  ahead.worker.ref();
  return ahead.worker;
}

function isKind<K extends FromGateway["kind"]>(message: FromGateway, kind: K): message is Extract<FromGateway, { readonly kind: K }> {
  return message.kind === kind;
}

/**
 * Watches a heartbeat. Stuck: over five seconds of looks in time, its loop never turned and
 * nothing was completed. A worker whose loop turns while nothing completes waits for its upstream, which
 * the deadlines end; replacing it would only cut buyers off.
 */
export function watchHeartbeat(telemetry: SharedArrayBuffer, clock: Clock): () => "well" | "stuck" {
  let last = readHeartbeat(telemetry);
  let lookedAt = clock.now();
  let stillSince = lookedAt;
  return () => {
    const now = clock.now();
    const beat = readHeartbeat(telemetry);
    // When this very thread, or the whole machine, slept, nothing was observed in between.
    const slept = now - lookedAt > 2 * LOOK_MS;
    if (slept || beat.lastTick !== last.lastTick || beat.completed !== last.completed) stillSince = now;
    last = beat;
    lookedAt = now;
    return now - stillSince >= STUCK_MS ? "stuck" : "well";
  };
}
