/**
 * Standing orders: what people told us, and what must outlive a restart of ours.
 *
 * Stored as JSON under "pause/all", "pause/policy/NAME", "pause/target/ID",
 * "ack/TARGET/CHECK" ("*" for every check) and "mode/POLICY".
 */
import type { PolicySpec } from "../core/policy.ts";
import type { Mode } from "../core/proposal.ts";
import type { Pause } from "../core/scene.ts";
import type { AcknowledgementView } from "../core/snapshot.ts";
import type { TargetId } from "../core/target.ts";
import type { Instant } from "../core/time.ts";
import type { StateStore } from "../ports/state-store.ts";
import { parseAcknowledgement, parseMode, parsePause } from "./standing-json.ts";

/** Pauses, and acknowledgements, at most. */
export const MAX_ORDERS = 1_000;

export interface Standing {
  /**
   * @param unlooked nobody looks at it any more: what was said of exactly that check is over, and must not silence a later one of its name.
   * @returns keys that could not be understood; they are left where they are. @throws {StateStoreError}
   */
  load(unlooked: (check: string, target: TargetId) => boolean): Promise<readonly string[]>;
  /** In force at `now`. */
  pauses(now: Instant): readonly Pause[];
  acknowledgements(now: Instant): readonly AcknowledgementView[];
  /** Modes set over the policies' files. */
  modes(): ReadonlyMap<string, Mode>;
  isAcknowledged(target: TargetId, check: string, now: Instant): boolean;

  /** Each is durable when it resolves. @throws {StateStoreError} */
  pause(pause: Pause): Promise<void>;
  /** @returns whether there was one. */
  resume(scope: Pause["scope"]): Promise<boolean>;
  acknowledge(acknowledgement: AcknowledgementView): Promise<void>;
  /** The look is healthy again: what was said of exactly this check is over. */
  forget(target: TargetId, check: string | null): Promise<void>;
  setMode(policy: string, mode: Mode): Promise<void>;
  /** The store has begun anew: writes all of it once more. @returns what it was, for people: "pauses: 1, acknowledgements: 0, modes: 2". @throws {StateStoreError} */
  rewrite(): Promise<string>;
}

export function createStanding(store: StateStore): Standing {
  const pauses = new Map<string, Pause>();
  const acks = new Map<string, AcknowledgementView>();
  const modes = new Map<string, Mode>();
  let last: Promise<unknown> = Promise.resolve();

  /** One write after the other, so that what is written once more is never older than what was written meanwhile. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };
  const load = async <T>(prefix: string, parse: (text: string) => T | null, into: Map<string, T>, name: (key: string) => string): Promise<readonly string[]> => {
    const bad: string[] = [];
    for (const row of await store.list(prefix, MAX_ORDERS)) {
      const value = parse(row.value);
      if (value === null) bad.push(row.key);
      else into.set(name(row.key), value);
    }
    return bad;
  };
  const write = async <T>(key: string, value: T, into: Map<string, T>): Promise<void> => {
    if (into.size >= MAX_ORDERS && !into.has(key)) throw new RangeError(`at most ${MAX_ORDERS} orders of one sort`);
    await inTurn(async () => {
      await store.put(key, JSON.stringify(value));
      into.set(key, value);
    });
  };

  const forget = async (target: TargetId, check: string | null): Promise<void> => {
    const key = ackKey(target, check);
    if (!acks.delete(key)) return;
    await inTurn(() => store.delete(key));
  };
  const rewrite = async (): Promise<string> => {
    for (const [key, order] of [...pauses, ...acks]) await store.put(key, JSON.stringify(order));
    for (const [policy, mode] of modes) await store.put(`mode/${policy}`, JSON.stringify({ mode }));
    return `pauses: ${pauses.size}, acknowledgements: ${acks.size}, modes: ${modes.size}`;
  };

  return {
    load: async (unlooked) => {
      const whole = (key: string): string => key;
      const bad = [
        ...(await load("pause/", parsePause, pauses, whole)),
        ...(await load("ack/", parseAcknowledgement, acks, whole)),
        ...(await load("mode/", parseMode, modes, (key) => key.slice("mode/".length))),
      ];
      for (const { target, check } of [...acks.values()]) if (check !== null && unlooked(check, target)) await forget(target, check);
      return bad;
    },
    pauses: (now) => inForce(pauses, now),
    acknowledgements: (now) => inForce(acks, now),
    modes: () => modes,
    isAcknowledged: (target, check, now) => inForce(acks, now).some((ack) => ack.target === target && (ack.check === null || ack.check === check)),
    pause: (pause) => write(pauseKey(pause.scope), pause, pauses),
    resume: (scope) => inTurn(async () => {
      await store.delete(pauseKey(scope));
      return pauses.delete(pauseKey(scope));
    }),
    acknowledge: (ack) => write(ackKey(ack.target, ack.check), ack, acks),
    forget,
    setMode: (policy, mode) => inTurn(async () => {
      await store.put(`mode/${policy}`, JSON.stringify({ mode }));
      modes.set(policy, mode);
    }),
    rewrite: () => inTurn(rewrite),
  };
}

/** Policies with the modes that people ordered over their files; an order is a wish as much as the project's own file. */
export function inOrderedModes(policies: readonly PolicySpec[], modes: ReadonlyMap<string, Mode>): readonly PolicySpec[] {
  return policies.map((policy) => {
    const mode = modes.get(policy.name);
    return mode === undefined ? policy : { ...policy, mode, modeGiven: true };
  });
}

function inForce<T extends { readonly until: Instant | null }>(orders: ReadonlyMap<string, T>, now: Instant): readonly T[] {
  return [...orders.values()].filter((order) => order.until === null || order.until > now);
}

function pauseKey(scope: Pause["scope"]): string {
  switch (scope.kind) {
    case "all":
      return "pause/all";
    case "policy":
      return `pause/policy/${scope.policy}`;
    case "target":
      return `pause/target/${scope.target}`;
  }
}

function ackKey(target: TargetId, check: string | null): string {
  return `ack/${target}/${check ?? "*"}`;
}
