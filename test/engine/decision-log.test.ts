import { describe, expect, test } from "vitest";
import { createMemoryLedger } from "../../src/adapters/memory-ledger.ts";
import type { Decision, GuardName, Proposal } from "../../src/core/proposal.ts";
import type { OpenAction } from "../../src/core/scene.ts";
import { createDecisionLog } from "../../src/engine/decision-log.ts";
import { proposalOf } from "../support/acting-world.ts";
import { ManualClock } from "../support/manual-clock.ts";

const hold = (target: string, guard: GuardName, more: Partial<Proposal> = {}): Decision => ({ kind: "hold", proposal: proposalOf({ target, ...more }), guard, reason: "because", until: null });

function logged() {
  const clock = new ManualClock();
  const ledger = createMemoryLedger(clock, { maxAgeMs: 1e9, maxBytes: 1e7 });
  const log = createDecisionLog({ ledger, decided: () => undefined, troubled: () => undefined });
  const step = async (decisions: readonly Decision[], openActions: readonly OpenAction[] = []): Promise<void> => {
    await clock.advance(1_000);
    log.record(decisions, { now: clock.now(), openActions });
    await log.flush();
  };
  const entries = async (): Promise<readonly string[]> => (await ledger.query({})).map(({ target, text, count }) => `${target} ${/\((\w+)\)/.exec(text)?.[1] ?? ""} ${count}`);
  return { log, step, entries };
}

describe("decisions in the ledger", () => {
  test("a hold that is repeated is one entry with a count, each target for itself", async () => {
    const { step, entries, log } = logged();
    for (let n = 0; n < 3; n++) await step([hold("a", "cooldown"), hold("b", "blame")]);
    expect(await entries()).toEqual(["a cooldown 3", "b blame 3"]);
    expect(log.holds().map(({ target, guard }) => `${target} ${guard}`)).toEqual(["a cooldown", "b blame"]);
  });

  test("of two policies that hold one target only the newest is counted on", async () => {
    const { step, entries } = logged();
    for (let n = 0; n < 3; n++) await step([hold("a", "cooldown", { policy: "one" }), hold("a", "blame", { policy: "two" })]);
    expect(await entries()).toEqual(["a cooldown 1", "a blame 3"]);
  });

  test("a target that nobody proposes any more is forgotten, others are not", async () => {
    const { step, log } = logged();
    await step([hold("a", "cooldown"), hold("b", "blame")]);
    await step([hold("b", "blame")]);
    expect(log.holds().map(({ target }) => target)).toEqual(["b"]);
    await step([]);
    expect(log.holds()).toEqual([]);
  });

  test("a hold because its own action is under way is no news: that was its answer", async () => {
    const { step, entries, log } = logged();
    const { workload, cause } = proposalOf();
    const open = (of: string): OpenAction => ({ target: "a", workload, cause: of, at: 0, doneAt: null, until: 10 });
    await step([hold("a", "in_flight")], [open(cause)]);
    expect([await entries(), log.holds()]).toEqual([[], []]);
    await step([hold("a", "in_flight")], [open("another cause")]);
    expect(await entries()).toEqual(["a in_flight 1"]);
  });
});
