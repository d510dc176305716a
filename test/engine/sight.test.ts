import { describe, expect, test } from "vitest";
import type { Observation } from "../../src/core/observation.ts";
import type { Overdue } from "../../src/engine/look.ts";
import { GRACE_MS } from "../../src/engine/look.ts";
import { Sight } from "../../src/engine/sight.ts";
import type { PreparedProbe } from "../../src/ports/probe.ts";
import { ManualClock } from "../support/manual-clock.ts";
import type { Sign } from "../support/notation.ts";
import { APP, probeOf } from "../support/watched-world.ts";

const SILENT: PreparedProbe = { run: () => new Promise(() => undefined), close: async () => undefined };

/** A sight that asks these references, and makes single looks. */
function sightOf(references: readonly Sign[], overdue: Overdue = "unknown") {
  const clock = new ManualClock();
  const asked: number[] = [];
  const probes = references.map((sign) => probeOf(clock, () => (asked.push(clock.now()), sign)));
  const sight = new Sight({ clock, references: probes, overdue, connectivityChanged: () => undefined });
  const see = (probe: PreparedProbe | Sign, remote = true): Promise<Observation> => {
    const prepared = typeof probe === "string" ? probeOf(clock, () => probe) : probe;
    return sight.counted(remote, () => sight.looker.look(prepared, { target: APP, deadlineMs: 1_000, ordinal: 0 }, () => undefined));
  };
  return { clock, sight, see, asked };
}

describe("a probe that never ends", () => {
  test.each<[Overdue, Partial<Observation>]>([
    ["unknown", { kind: "unknown", cause: "internal", detail: "no result within 1s: the look itself did not end" }],
    ["fail", { kind: "fail", cause: "timeout", detail: "no result within 1s" }],
  ])("is given up on at its deadline and the grace, and counts as %s where that is asked for", async (overdue, expected) => {
    const { clock, see } = sightOf([], overdue);
    let seen: Observation | null = null;
    void see(SILENT).then((result) => (seen = result));
    await clock.advance(1_000 + GRACE_MS - 1);
    expect(seen).toBeNull();
    await clock.advance(1);
    expect(seen).toMatchObject({ ...expected, tookMs: 1_000 + GRACE_MS });
  });

  test("holds up no other look", async () => {
    const { clock, see } = sightOf([]);
    void see(SILENT);
    const other = see(".");
    await clock.advance(20);
    expect((await other).kind).toBe("pass");
  });
});

describe("what went wrong beyond this host", () => {
  test.each<[string, readonly Sign[], Sign, boolean, string]>([
    ["is unknown while every reference fails", ["x", "x"], "x", true, "unknown"],
    ["a warning too", ["x", "x"], "w", true, "unknown"],
    ["is believed while one of them answers", ["x", "."], "x", true, "fail"],
    ["is believed without references", [], "x", true, "fail"],
    ["a pass got through, so it stays one", ["x", "x"], ".", true, "pass"],
    ["and what is on this host needs no network", ["x", "x"], "x", false, "fail"],
  ])("%s", async (_what, references, sign, remote, kind) => {
    const { clock, see } = sightOf(references);
    const seen = see(sign, remote);
    await clock.advance(100);
    expect((await seen).kind).toBe(kind);
  });

  test("is judged by one round of questions, begun no sooner than the look, for all that wait", async () => {
    const { clock, see, asked } = sightOf(["x", "x"]);
    const seen = Promise.all([see("x"), see("x"), see("x")]);
    await clock.advance(100);
    expect((await seen).map((one) => one.kind)).toEqual(["unknown", "unknown", "unknown"]);
    // Asked after the looks had failed at 20 ms; each answer takes 20 ms more.
    expect(asked).toEqual([1_000_040, 1_000_040]);
  });
});

test("after the end nothing is planned any more, and what ran is unknown", async () => {
  const { clock, sight, see } = sightOf(["x", "x"]);
  sight.start();
  await clock.advance(100);
  const seen = see(SILENT);
  sight.stop();
  expect(await seen).toMatchObject({ kind: "unknown", detail: "stopped while looking" });
  expect(clock.waiting).toBe(0);
});
