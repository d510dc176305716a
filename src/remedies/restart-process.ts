/**
 * Restarts a target's process: a supervised child or a systemd unit; starts it when it is gone.
 *
 * A child carries its marker and the intent that started it in its environment, so the
 * effect can be read back after our own death, and a child is adopted instead of doubled.
 * A unit is told apart by the invocation id systemd gives every start.
 */
import * as z from "zod";
import type { Intent } from "../core/intent.ts";
import type { Precondition } from "../core/proposal.ts";
import type { Target } from "../core/target.ts";
import type { ProcessRef } from "../ports/processes.ts";
import type { Prepared, ReadBack, Remedy } from "../ports/remedy.ts";
import { ActionError } from "../ports/remedy.ts";
import { UnitError } from "../ports/units.ts";
import type { UnitActivity } from "../ports/units.ts";
import type { RemedyEntry, RemedyPorts, Supervised } from "./remedy-entry.ts";

type Child = Extract<Supervised, { readonly kind: "child" }>;
type Unit = Extract<Supervised, { readonly kind: "unit" }>;
type Effect = Readonly<Record<string, unknown>>;

/** Part of an action's time that starting takes; the rest of what the stop's grace leaves. */
const START_MS = 4_000;

export const restartProcess: RemedyEntry = {
  name: "restart_process",
  summary: "Stops the target's process and starts a new one; a process that is gone is only started.",
  schema: z.strictObject({}),
  make: (ports): Remedy => ({
    extraMs: (target) => ports.supervised(target.id)?.stopGrace ?? 0,
    prepare: async (target, _params, signal) => {
      const kept = keeperOf(ports, target);
      return kept.kind === "child" ? prepareChild(ports, kept) : prepareUnit(ports, kept, signal);
    },
    execute: async (intent, target, signal) => {
      const kept = keeperOf(ports, target);
      return kept.kind === "child" ? restartChild(ports, kept, intent, signal) : restartUnit(ports, kept, intent, signal);
    },
    readBack: async (intent, target, signal) => {
      const kept = keeperOf(ports, target);
      return kept.kind === "child" ? readChild(ports, kept, intent) : readUnit(ports, kept, intent, signal);
    },
  }),
};

function keeperOf(ports: RemedyPorts, target: Target): Supervised {
  const kept = ports.supervised(target.id);
  if (kept === null) throw new ActionError("REFUSED", `no process is kept for ${target.id}`);
  return kept;
}

const GONE: Prepared = { precondition: { kind: "no_process" }, destructive: false, gone: true };

function living({ pid, startTime }: ProcessRef): Prepared {
  return { precondition: { kind: "process", pid, startTime }, destructive: true, gone: false };
}

async function prepareChild({ processes }: RemedyPorts, { spec }: Child): Promise<Prepared> {
  const [oldest] = await processes.find(spec.marker);
  return oldest === undefined ? GONE : living(oldest.ref);
}

async function restartChild({ processes }: RemedyPorts, child: Child, intent: Intent, signal: AbortSignal): Promise<Effect> {
  const { precondition } = intent.proposal;
  const found = await processes.find(child.spec.marker);
  if (!holds(precondition, found.map((process) => process.ref))) throw new ActionError("REFUSED", "another process runs than the one to be restarted");
  // More than one is never meant to be: all of them carry our marker, so all of them go.
  for (const { ref } of found) {
    if (signal.aborted) throw new ActionError("UNCERTAIN", "out of time before the stop was done");
    await processes.stop(ref, child.stopGrace, signal);
  }
  if (signal.aborted) throw new ActionError("UNCERTAIN", "stopped, but out of time before the start");
  const ref = await processes.start({ ...child.spec, intentId: intent.id }).catch((error: unknown) => {
    const stopped = found.length > 0 ? "stopped, but " : "";
    throw new ActionError("REFUSED", `${stopped}it cannot be started: ${error instanceof Error ? error.message : "unknown"}`, { cause: error });
  });
  return { pid: ref.pid, startTime: ref.startTime, replaced: found.map((process) => process.ref.pid).slice(0, 10) };
}

async function readChild({ processes }: RemedyPorts, { spec }: Child, intent: Intent): Promise<ReadBack> {
  const found = await processes.find(spec.marker);
  const own = found.find((process) => process.intentId === intent.id);
  return own === undefined ? { kind: "not_landed" } : { kind: "landed", effect: { pid: own.ref.pid, startTime: own.ref.startTime } };
}

function holds(precondition: Precondition, running: readonly ProcessRef[]): boolean {
  switch (precondition.kind) {
    // Not of a process: another remedy's.
    case "pod":
    case "size":
    case "generation":
      return false;
    case "none":
      return true;
    case "no_process":
      return running.length === 0;
    case "process":
      return running.some((ref) => ref.pid === precondition.pid && ref.startTime === precondition.startTime);
  }
}

async function prepareUnit({ units }: RemedyPorts, { unit }: Unit, signal: AbortSignal): Promise<Prepared> {
  const state = await units.state(unit, signal).catch(refuse);
  return state.mainPid > 0 ? living({ pid: state.mainPid, startTime: state.invocationId }) : GONE;
}

async function restartUnit(ports: RemedyPorts, kept: Unit, intent: Intent, signal: AbortSignal): Promise<Effect> {
  const now = await prepareUnit(ports, kept, signal);
  const running = now.precondition.kind === "process" ? [now.precondition] : [];
  if (!holds(intent.proposal.precondition, running)) throw new ActionError("REFUSED", "another process runs than the one to be restarted");
  await ports.units.restart(kept.unit, kept.stopGrace + START_MS, signal).catch(refuse);
  const after = await ports.units.state(kept.unit, signal).catch(refuse);
  return { unit: kept.unit, pid: after.mainPid, invocationId: after.invocationId };
}

/**
 * Landed when the process of the precondition is not the unit's any more and a new one runs, whoever started it:
 * restarting again would only harm. While systemd is at work on the unit, our own job may be what it works on.
 */
async function readUnit({ units }: RemedyPorts, { unit }: Unit, intent: Intent, signal: AbortSignal): Promise<ReadBack> {
  const { precondition } = intent.proposal;
  const now = await units.state(unit, signal);
  const old = now.mainPid === 0 || (precondition.kind === "process" && now.invocationId === precondition.startTime);
  if (old && IN_TRANSITION.has(now.active)) return { kind: "unreadable", reason: `${unit} is ${now.active}: the restart may be under way` };
  if (old) return { kind: "not_landed" };
  return { kind: "landed", effect: { unit, pid: now.mainPid, invocationId: now.invocationId } };
}

const IN_TRANSITION: ReadonlySet<UnitActivity> = new Set(["activating", "deactivating"]);

function refuse(error: unknown): never {
  if (!(error instanceof UnitError)) throw error;
  throw new ActionError(error.code === "UNAVAILABLE" ? "UNCERTAIN" : "REFUSED", error.message, { cause: error });
}
