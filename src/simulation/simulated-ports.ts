/**
 * The ports through which probes and remedies meet the simulated world.
 */
import type { TargetId } from "../core/target.ts";
import type { Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import { sleep } from "../ports/clock.ts";
import type { Http, HttpAnswer, HttpFailure, HttpRequest } from "../ports/http.ts";
import type { OwnLoad } from "../ports/own-load.ts";
import type { CommandResult, Exit, Processes, ProcessRef } from "../ports/processes.ts";
import type { RedisPinger } from "../ports/redis-pinger.ts";
import type { TargetUsage } from "../ports/target-usage.ts";
import type { Tcp } from "../ports/tcp.ts";
import { UnitError } from "../ports/units.ts";
import type { Units } from "../ports/units.ts";
import type { Reply, World } from "./world.ts";

export type HttpPlaces = {
  /** Base URLs of the targets. */
  readonly targets: ReadonlyMap<TargetId, string>;
  /** Origin of the Storefront API. */
  readonly storefront: string;
};

const CONNECT_MS: Ms = 1;

/** HTTP into the world: targets by their URL, the Storefront API by its origin; everything else is an outside that answers while there is a network. */
export function simulatedHttp(world: World, clock: Clock, places: HttpPlaces): Http {
  const replyTo = ({ url }: HttpRequest): Reply => {
    if (url.startsWith(places.storefront)) return world.storefrontApi();
    for (const [target, base] of places.targets) {
      if (url.startsWith(base) && world.networkGone() && !isLocal(base)) return { kind: "no_network" };
      if (url.startsWith(`${base}/`)) return url.slice(base.length).startsWith("/health") ? world.health(target) : world.page(target);
    }
    return world.networkGone() ? { kind: "no_network" } : { kind: "answer", status: 200, afterMs: CONNECT_MS, body: "", headers: {} };
  };
  return {
    request: async (request) => {
      const reply = replyTo(request);
      switch (reply.kind) {
        case "refused":
          await sleep(clock, CONNECT_MS, request.signal);
          return failure("refused", "connection refused", CONNECT_MS);
        // A network that is gone swallows packets; that it says so is the easy case.
        case "no_network":
        case "silent":
          return timedOut(clock, request);
        case "answer":
          if (reply.afterMs >= request.deadlineMs) return timedOut(clock, request);
          await sleep(clock, reply.afterMs, request.signal);
          return answer(reply, request);
      }
    },
    close: async () => {},
  };
}

/** Reached without a network. */
function isLocal(base: string): boolean {
  const { hostname } = new URL(base);
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}

async function timedOut(clock: Clock, { deadlineMs, signal }: HttpRequest): Promise<HttpFailure> {
  await sleep(clock, deadlineMs, signal);
  return failure("timeout", `no answer within ${deadlineMs} ms`, deadlineMs);
}

function failure(cause: HttpFailure["cause"], detail: string, tookMs: Ms): HttpFailure {
  return { kind: "failed", cause, noNetwork: false, answered: false, detail, tookMs };
}

function answer({ status, afterMs, body, headers }: Extract<Reply, { kind: "answer" }>, { maxBodyBytes }: HttpRequest): HttpAnswer {
  const bodyBytes = Buffer.byteLength(body);
  return { kind: "answer", status, headers, body: body.slice(0, maxBodyBytes), bodyBytes, bodyCut: bodyBytes > maxBodyBytes, firstByteMs: afterMs, tookMs: afterMs };
}

/** Processes of the world. */
export class SimulatedProcesses implements Processes {
  readonly #world: World;
  readonly #clock: Clock;
  readonly #byMarker: ReadonlyMap<string, TargetId>;
  readonly #watchers = new Map<number, Set<(exit: Exit) => void>>();

  constructor(world: World, clock: Clock, byMarker: ReadonlyMap<string, TargetId>) {
    this.#world = world;
    this.#clock = clock;
    this.#byMarker = byMarker;
  }

  async start(spec: Parameters<Processes["start"]>[0]): Promise<ProcessRef> {
    await sleep(this.#clock, CONNECT_MS);
    const target = this.#byMarker.get(spec.marker);
    if (target === undefined) throw new Error(`no target is marked ${spec.marker}`);
    return this.#world.start(target, spec.intentId);
  }

  async find(marker: string): ReturnType<Processes["find"]> {
    const target = this.#byMarker.get(marker);
    const process = target === undefined ? null : this.#world.process(target);
    return process === null ? [] : [{ ref: process.ref, intentId: process.intentId }];
  }

  async alive(ref: ProcessRef): Promise<boolean> {
    return this.#targetOf(ref) !== null;
  }

  async stop(ref: ProcessRef): Promise<"stopped" | "gone"> {
    // Found by what is about to end: a world of one process per target.
    const target = this.#targetOf(ref);
    if (target === null) return "gone";
    await sleep(this.#clock, 100);
    if (this.#targetOf(ref) === null) return "gone";
    this.#world.exit(target, "stopped");
    return "stopped";
  }

  onExit(ref: ProcessRef, fn: (exit: Exit) => void): () => void {
    const watchers = this.#watchers.get(ref.pid) ?? new Set();
    this.#watchers.set(ref.pid, watchers.add(fn));
    return () => void watchers.delete(fn);
  }

  /** The world says that a process is gone. */
  gone(ref: ProcessRef): void {
    const watchers = this.#watchers.get(ref.pid);
    this.#watchers.delete(ref.pid);
    for (const fn of watchers ?? []) fn({ ref, code: 1, signal: null });
  }

  async run(): Promise<CommandResult> {
    await sleep(this.#clock, 10);
    return { kind: "exited", code: 0, output: "", tookMs: 10 };
  }

  async usage(): Promise<null> {
    return null;
  }

  #targetOf(ref: ProcessRef): TargetId | null {
    return this.#world.targets().find((target) => this.#world.process(target)?.ref.pid === ref.pid) ?? null;
  }
}

/** A simulated host has no systemd: its targets are children. */
export const noUnits: Units = {
  state: () => Promise.reject(new UnitError("UNAVAILABLE", "there is no systemd in a simulation")),
  restart: () => Promise.reject(new UnitError("UNAVAILABLE", "there is no systemd in a simulation")),
};

export function simulatedTcp(world: World, clock: Clock): Tcp {
  return {
    look: async ({ deadlineMs, signal }) => {
      await sleep(clock, world.networkGone() ? deadlineMs : CONNECT_MS, signal);
      if (world.networkGone()) return { kind: "failed", cause: "timeout", noNetwork: false, detail: `no answer within ${deadlineMs} ms`, tookMs: deadlineMs };
      return { kind: "answer", connectedMs: CONNECT_MS, tookMs: CONNECT_MS };
    },
    close: async () => {},
  };
}

export function simulatedRedis(clock: Clock): RedisPinger {
  return {
    ping: async () => {
      await sleep(clock, CONNECT_MS);
      return { kind: "pong", tookMs: CONNECT_MS };
    },
    close: async () => {},
  };
}

/** Usage comes from the health body here. */
export const noUsage: TargetUsage = { read: async () => ({ kind: "none", detail: "nothing measures a simulated target" }) };

/** Virtual time stands still while code runs. */
export const idleLoop: OwnLoad = { busyMs: () => 0 };
