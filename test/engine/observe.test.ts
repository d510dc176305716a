import { describe, expect, test } from "vitest";
import type { CheckSpec } from "../../src/core/check.ts";
import type { Observation } from "../../src/core/observation.ts";
import type { Pace } from "../../src/core/schedule.ts";
import { createObserver } from "../../src/engine/observe.ts";
import type { Observer, ObserveParts } from "../../src/engine/observe.ts";
import { Roll } from "../../src/engine/roll.ts";
import type { PreparedProbe } from "../../src/ports/probe.ts";
import { ManualClock } from "../support/manual-clock.ts";
import type { Sign } from "../support/notation.ts";
import { look } from "../support/notation.ts";
import { APP, checkOf, probeOf } from "../support/watched-world.ts";

type Seen = { readonly key: string; readonly at: number; readonly seen: Observation };

const rollOf = (checks: readonly CheckSpec[]): Roll => new Roll({ targets: [APP], checks, startupGrace: new Map() });

class Watch {
  readonly clock = new JumpingClock();
  readonly seen: Seen[] = [];
  pace: Pace = "steady";

  observer(probes: Readonly<Record<string, PreparedProbe>>, over: Partial<ObserveParts> = {}, spec: Partial<CheckSpec> = {}): Observer {
    const observer = createObserver({
      roll: rollOf(Object.keys(probes).map((name) => checkOf(name, spec))),
      probes: new Map(Object.entries(probes)),
      references: [],
      clock: this.clock,
      random: { next: () => 0.5, id: () => "id" },
      observed: (check, target, seen) => {
        this.seen.push({ key: `${check.name}@${target}`, at: this.clock.now(), seen });
        return this.pace;
      },
      connectivityChanged: () => undefined,
      ...over,
    });
    observer.start();
    return observer;
  }

  sees(sign: Sign | (() => Sign | Observation)): PreparedProbe {
    return probeOf(this.clock, typeof sign === "string" ? () => sign : sign);
  }
}

/** A clock whose wall can be set, and whose loop can be blocked. */
class JumpingClock extends ManualClock {
  #offset = 0;
  #blocked = 0;
  override now(): number {
    return super.now() + this.#blocked;
  }
  override wall(): number {
    return this.now() + this.#offset;
  }
  setWall(by: number): void {
    this.#offset += by;
  }
  /** Time passes while nothing runs. */
  block(ms: number): void {
    this.#blocked += ms;
  }
}

const silent: PreparedProbe = { run: () => new Promise(() => undefined), close: async () => undefined };

describe("the observe loop", () => {
  test("looks once per interval, on ticks of 100 ms", async () => {
    const watch = new Watch();
    const fired: number[] = [];
    watch.observer({ application: { ...watch.sees("."), run: async (asked) => (fired.push(watch.clock.now()), look(".", watch.clock.now(), { ordinal: asked.ordinal })) } });
    await watch.clock.advance(35_000);
    expect(fired.length).toBeGreaterThanOrEqual(3);
    expect(fired.every((at) => at % 100 === 0)).toBe(true);
    for (const [index, at] of fired.slice(1).entries()) expect(at - (fired[index] ?? 0)).toBe(10_000);
    expect(watch.seen.map(({ seen }) => (seen.kind === "unknown" ? -1 : seen.facts["ordinal"]))).toEqual(fired.map((_at, index) => index));
  });

  test("follows the pace it is told", async () => {
    const watch = new Watch();
    watch.pace = "transition";
    watch.observer({ application: watch.sees("x") });
    await watch.clock.advance(10_000);
    const before = watch.seen.length;
    await watch.clock.advance(10_000);
    expect(watch.seen.length - before).toBe(5);
  });

  test("does not wait for a probe that outlives its deadline, and does not let it overlap itself", async () => {
    const watch = new Watch();
    let runs = 0;
    watch.observer({ application: { ...silent, run: () => ((runs += 1), silent.run({ target: APP, deadlineMs: 0, ordinal: 0, signal: AbortSignal.abort() })) } });
    await watch.clock.advance(25_000);
    expect(watch.seen[0]?.seen).toMatchObject({ kind: "fail", cause: "timeout" });
    expect(watch.seen[1]?.seen).toMatchObject({ kind: "unknown", cause: "internal" });
    expect(runs).toBe(1);
  });

  test("aborts the signal of a probe at its deadline", async () => {
    const watch = new Watch();
    const signals: AbortSignal[] = [];
    watch.observer({ application: { ...silent, run: (asked) => (signals.push(asked.signal), silent.run(asked)) } });
    await watch.clock.advance(12_000);
    expect(signals[0]?.aborted).toBe(true);
  });

  test.each<[string, PreparedProbe["run"]]>([
    ["rejects", () => Promise.reject(new Error("bug"))],
    ["throws", () => { throw new Error("bug"); }],
  ])("a probe that %s is an unknown, not a failure", async (_how, run) => {
    const watch = new Watch();
    watch.observer({ application: { ...silent, run } });
    await watch.clock.advance(10_100);
    expect(watch.seen[0]?.seen).toMatchObject({ kind: "unknown", cause: "internal", detail: "the probe broke: bug" });
  });

  test("trouble brings a look at once, and once in 2 s", async () => {
    const watch = new Watch();
    const observer = watch.observer({ application: watch.sees(".") });
    await watch.clock.advance(10_500);
    const before = watch.seen.length;
    observer.hasten(["application@app"]);
    await watch.clock.advance(300);
    observer.hasten(["application@app"]);
    await watch.clock.advance(300);
    expect(watch.seen.length - before).toBe(1);
  });

  test("what a look began before a restart says of the old process is dropped", async () => {
    const watch = new Watch();
    let began = 0;
    const observer = watch.observer({ application: { ...silent, run: (asked) => ((began += 1), watch.sees("x").run(asked)) } });
    while (began === 0) await watch.clock.advance(10);
    await watch.clock.advance(5);
    observer.forget("app");
    await watch.clock.advance(100);
    expect(watch.seen).toEqual([]);
    await watch.clock.advance(2_100);
    expect(watch.seen.length).toBe(1);
  });

  test("nothing fires after the end, and the end does not wait for stuck probes", async () => {
    const watch = new Watch();
    const observer = watch.observer({ application: silent, page: watch.sees(".") });
    await watch.clock.advance(10_100);
    let stopped = false;
    void observer.stop().then(() => (stopped = true));
    await watch.clock.advance(2_000);
    expect(stopped).toBe(true);
    expect(observer.nextLookAt("page@app")).toBeNull();
    const before = watch.seen.length;
    await watch.clock.advance(60_000);
    expect(watch.seen.length).toBe(before);
    expect(watch.clock.waiting).toBe(0);
  });

  test("a check without a probe, or at no target, is an error at once", () => {
    const watch = new Watch();
    expect(() => watch.observer({}, { roll: rollOf([checkOf("application")]) })).toThrow("application is active but has no probe");
    expect(() => watch.observer({ application: silent }, {}, { targets: ["nowhere"] })).toThrow("nowhere, which is no target");
    expect(() => watch.observer({}, { roll: rollOf([checkOf("redis", { inactive: "not configured" })]) })).not.toThrow();
  });
});

describe("our own troubles", () => {
  const late = (at: number): Observation => ({ kind: "warn", at, tookMs: 900, findings: [{ assertion: "response_time", level: "warn", observed: "900ms", expected: "< 500ms" }], facts: {}, cause: "assertion", detail: "slow" });

  test.each<[string, number, (at: number) => Observation, string]>([
    ["a slow answer while our loop lagged is not the target's", 400, late, "unknown"],
    ["a timeout neither", 400, (at) => ({ kind: "fail", at, tookMs: 1, findings: [], facts: {}, cause: "timeout", detail: "" }), "unknown"],
    ["a wrong answer still is", 400, (at) => look("x", at), "fail"],
    ["a pass is a pass", 400, (at) => look(".", at), "pass"],
    ["a little lag does not matter", 50, late, "warn"],
    ["after a gap of seconds nothing counts", 6_000, (at) => look("x", at), "unknown"],
  ])("%s", async (_what, blockedMs, sees, kind) => {
    const watch = new Watch();
    // The loop is blocked while the look runs: time passes, and timers come late.
    watch.observer({ application: probeOf(watch.clock, () => (watch.clock.block(blockedMs), sees(watch.clock.now()))) });
    await watch.clock.advance(10_200);
    expect(watch.seen[0]?.seen.kind).toBe(kind);
  });

  test("a wall clock that is set during a look makes its failure unknown", async () => {
    const watch = new Watch();
    watch.observer({ application: watch.sees(() => (watch.clock.setWall(3_600_000), "x")) });
    await watch.clock.advance(10_200);
    expect(watch.seen[0]?.seen).toMatchObject({ kind: "unknown", cause: "clock_jump" });
  });
});

describe("the connectivity guard", () => {
  function guarded(watch: Watch, network: () => boolean, remote: boolean): { readonly changes: boolean[] } {
    const changes: boolean[] = [];
    const reference = watch.sees(() => (network() ? "." : "x"));
    watch.observer(
      { application: watch.sees("x") },
      { references: [reference, reference], connectivityChanged: (state) => changes.push(state.lostSince !== null) },
      { remote },
    );
    return { changes };
  }

  test("a remote failure is unknown while no reference answers, even before the next round was due", async () => {
    const watch = new Watch();
    let network = true;
    guarded(watch, () => network, true);
    await watch.clock.advance(1);
    await watch.clock.advance(100);
    network = false;
    await watch.clock.advance(10_400);
    expect(watch.seen[0]?.seen).toMatchObject({ kind: "unknown", cause: "no_network" });
  });

  test("a local failure counts all the same", async () => {
    const watch = new Watch();
    guarded(watch, () => false, false);
    await watch.clock.advance(10_400);
    expect(watch.seen[0]?.seen.kind).toBe("fail");
  });

  test("loss and return are told once each, the return within 2 s", async () => {
    const watch = new Watch();
    let network = false;
    const { changes } = guarded(watch, () => network, true);
    await watch.clock.advance(30_000);
    network = true;
    await watch.clock.advance(2_100);
    expect(changes).toEqual([true, false]);
  });
});
