/**
 * Manual operation: what a person may order, recorded with who and why.
 */
import type { PolicySpec } from "../core/policy.ts";
import type { Mode } from "../core/proposal.ts";
import type { Pause } from "../core/scene.ts";
import type { TargetId } from "../core/target.ts";
import { SITE } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";
import { formatDuration } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Control, Order, OrderResult, PauseScope, RefusalCode } from "../ports/control.ts";
import type { Recorder } from "./record.ts";
import { messageOf } from "./record.ts";
import type { ManualOutcome, Recovery } from "./recovery.ts";
import type { Roll } from "./roll.ts";
import type { Standing } from "./standing.ts";

/** The orders among what may be asked of a daemon, and those no listener offers yet. */
export interface Orders extends Pick<Control, "acknowledge" | "pause" | "resume" | "restart"> {
  /** Arms (`act`) or disarms (`observe`) a policy over its file. */
  promote(order: Order & { readonly policy: string; readonly mode: Mode }): Promise<OrderResult>;
}

export type OrderParts = {
  readonly roll: Roll;
  readonly policies: readonly PolicySpec[];
  readonly standing: Standing;
  readonly recovery: Recovery;
  readonly recorder: Recorder;
  readonly clock: Clock;
};

type Step = { readonly order: Order; readonly command: string; readonly target: TargetId; readonly text: string; readonly run: () => Promise<unknown> };

export function createOrders(parts: OrderParts): Orders {
  const { standing, recovery, recorder, clock } = parts;
  const refused = (code: RefusalCode, text: string): OrderResult => ({ kind: "refused", code, text });
  const workloadOf = (id: TargetId): string | null => parts.roll.target(id)?.workload ?? null;
  const endOf = (forMs: Ms | null): Instant | null => (forMs === null ? null : clock.now() + forMs);
  const unknownScope = (scope: PauseScope): OrderResult | null => {
    if (scope.kind === "target" && workloadOf(scope.target) === null) return refused("UNKNOWN_TARGET", `there is no target ${scope.target}`);
    if (scope.kind === "policy" && !parts.policies.some((policy) => policy.name === scope.policy)) return refused("UNKNOWN_POLICY", `there is no policy ${scope.policy}`);
    return null;
  };

  /** Stores, records, and lets the guards decide again. */
  const carryOut = async ({ order, command, target, text, run }: Step): Promise<OrderResult> => {
    if (order.dryRun) return { kind: "would", text };
    try {
      await run();
    } catch (error) {
      return refused("FAILED", `it could not be stored: ${messageOf(error)}`);
    }
    recorder.commanded({ at: clock.now(), who: order.who, command, target, text: `${text}: ${order.why}` });
    recovery.wake();
    return { kind: "done", text, actionId: "" };
  };

  return {
    acknowledge: async (order) => {
      const { target, check, forMs } = order;
      const workload = workloadOf(target);
      if (workload === null) return refused("UNKNOWN_TARGET", `there is no target ${target}`);
      if (check !== null && !parts.roll.looksAt(check, target)) return refused("UNKNOWN_CHECK", `no check ${check} looks at ${target}`);
      const ack = { target, check, workload, at: clock.now(), by: order.who, why: order.why, until: endOf(forMs) };
      return carryOut({ order, command: "ack", target, text: `acknowledged ${check ?? "every check"} of ${target}${lasting(forMs)}`, run: () => standing.acknowledge(ack) });
    },
    pause: async (order) => {
      const pause: Pause = { scope: order.scope, until: endOf(order.forMs), by: order.who, why: order.why };
      const text = `paused ${describeScope(order.scope)}${lasting(order.forMs)}`;
      return unknownScope(order.scope) ?? carryOut({ order, command: "pause", target: targetOf(order.scope), text, run: () => standing.pause(pause) });
    },
    resume: async (order) => {
      const { scope } = order;
      const unknown = unknownScope(scope);
      if (unknown !== null) return unknown;
      if (!standing.pauses(clock.now()).some((pause) => describeScope(pause.scope) === describeScope(scope))) return refused("NOTHING_TO_DO", `${describeScope(scope)} is not paused`);
      return carryOut({ order, command: "resume", target: targetOf(scope), text: `resumed ${describeScope(scope)}`, run: () => standing.resume(scope) });
    },
    restart: async (order) => {
      const { target, who, why, dryRun } = order;
      if (target === SITE || parts.roll.target(target) === null) return refused("UNKNOWN_TARGET", `there is no target ${target}`);
      const outcome = await recovery.restart({ target, who, why, dryRun });
      if (outcome.kind !== "would") recorder.commanded({ at: clock.now(), who, command: "restart", target, text: `restart of ${target} (${outcome.kind}): ${why}` });
      return restartResult(outcome, target);
    },
    promote: async (order) => {
      const { policy, mode } = order;
      if (!parts.policies.some((one) => one.name === policy)) return refused("UNKNOWN_POLICY", `there is no policy ${policy}`);
      return carryOut({ order, command: "promote", target: SITE, text: `policy ${policy} is in mode ${mode}`, run: () => standing.setMode(policy, mode) });
    },
  };
}

function restartResult(outcome: ManualOutcome, target: TargetId): OrderResult {
  switch (outcome.kind) {
    case "would":
      return { kind: "would", text: `would restart ${target}` };
    case "held":
      return { kind: "refused", code: "HELD", text: `${outcome.guard}: ${outcome.reason}` };
    case "failed":
      return { kind: "refused", code: "FAILED", text: outcome.reason };
    case "acted": {
      const { id, state } = outcome.intent;
      if (state.phase === "refused" || state.phase === "uncertain") return { kind: "refused", code: "FAILED", text: `${state.phase}: ${state.reason}` };
      if (state.phase === "intended") return { kind: "done", text: `the restart of ${target} was sent; what became of it cannot be read yet, and is asked again`, actionId: id };
      return { kind: "done", text: `${target} was restarted; whether it helped is seen by its checks`, actionId: id };
    }
  }
}

function describeScope(scope: PauseScope): string {
  switch (scope.kind) {
    case "all":
      return "everything";
    case "policy":
      return `policy ${scope.policy}`;
    case "target":
      return `target ${scope.target}`;
  }
}

function targetOf(scope: PauseScope): TargetId {
  return scope.kind === "target" ? scope.target : SITE;
}

function lasting(forMs: Ms | null): string {
  return forMs === null ? "" : ` for ${formatDuration(forMs)}`;
}
