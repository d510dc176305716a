import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Thresholds } from "../../src/core/check.ts";
import { cannotSee, failsInARow, inTransition, initialState, isGoneNow, observe, resetRuns } from "../../src/core/check-state.ts";
import { instantOf, look, looksOf, replay, replayAll, signsOf, START } from "../support/notation.ts";

describe("a verdict, falling after 3 and rising after 2", () => {
  test.each([
    ["", "unknown", "nothing was seen"],
    ["?", "unknown", "a broken look is no evidence"],
    [".", "healthy", "the first pass is enough when nothing speaks against it"],
    ["x", "unknown", "the first failure is not"],
    ["x.", "healthy", "a pass before the run is whole"],
    ["xxx", "unhealthy", "three failures from the start"],
    ["www", "degraded", "three warnings from the start"],
    [".xx", "healthy", "a short run is noise"],
    [".xx.xx", "healthy", "one pass breaks the run"],
    [".xx?x", "unhealthy", "an unknown does not break the run"],
    [".x???x", "healthy", "nor extend it"],
    [".xxx.", "unhealthy", "one pass is not recovery"],
    [".xxx.x.", "unhealthy", "nor are two that are apart"],
    [".xxx.?.", "healthy", "two passes are, whatever was unknown between them"],
    [".ww", "healthy", "two warnings are noise"],
    [".www", "degraded", "three are news"],
    [".wxw", "degraded", "never passing, three times in a row"],
    [".wxwxw", "degraded", "but never failing three times in a row"],
    [".wwwxx", "degraded", "getting worse needs its own run"],
    [".wwwxxx", "unhealthy", "and has it"],
    [".xxxw", "unhealthy", "one warning is not recovery"],
    [".xxxww", "degraded", "two are better than failing"],
    [".xxxw.", "degraded", "not failing, not yet passing"],
    [".xxxw..", "healthy", "and then passing"],
    [".www..", "healthy", "two passes end a degradation"],
    ["!", "unhealthy", "an exit is certain, even first"],
    [".!", "unhealthy", "an exit turns the verdict at once"],
    [".!.", "unhealthy", "and recovery needs its run all the same"],
    [".!..", "healthy", "and gets it"],
  ])("%j ends %s: %s", (run, verdict) => {
    expect(replay(run).verdict).toBe(verdict);
  });

  test.each([
    [".xx?x", 1],
    [".x.xxx", 3],
    [".wwx", 1],
    [".xxx?.?.", 5],
    [".xxxww", 4],
    ["..!", 2],
    ["?.", 1],
  ])("%j is backdated to look %i, the first of the run that turned it", (run, first) => {
    expect(replay(run).since).toBe(instantOf(first));
  });

  test("a verdict that does not turn keeps its beginning", () => {
    expect(replay("....xx..").since).toBe(instantOf(0));
  });

  test("counts failures on after the verdict turned, and an exit as a whole run", () => {
    expect(replay(".xxxxx").failing.count).toBe(5);
    expect(failsInARow(replay(".xx"), 3)).toBe(false);
    expect(failsInARow(replay(".xxx"), 3)).toBe(true);
    expect(failsInARow(replay(".!"), 30)).toBe(true);
    expect(failsInARow(replay(".!."), 3)).toBe(false);
  });

  test("four unknowns in a row are blindness, and any evidence ends it", () => {
    expect(cannotSee(replay(".???"), 4)).toBe(false);
    expect(cannotSee(replay(".????"), 4)).toBe(true);
    expect(cannotSee(replay(".????x"), 4)).toBe(false);
  });

  test("a process is gone while the last evidence says so, unknowns aside", () => {
    expect(isGoneNow(replay(".!?"))).toBe(true);
    expect(isGoneNow(replay(".!x"))).toBe(false);
    expect(isGoneNow(replay(".x"))).toBe(false);
  });

  test("after an action of our own the counting starts anew and the verdict stays", () => {
    const state = resetRuns(replay(".xxx."));
    expect(state.verdict).toBe("unhealthy");
    expect(state.passing.count).toBe(0);
    const once = observe(state, look(".", instantOf(9)), { fall: 3, rise: 2 });
    expect(once.verdict).toBe("unhealthy");
    expect(observe(once, look(".", instantOf(10)), { fall: 3, rise: 2 })).toMatchObject({ verdict: "healthy", since: instantOf(9) });
  });

  test.each([
    [".", false],
    [".x", true],
    [".w", true],
    [".xxx", false],
    [".xxx.", true],
    ["x", true],
    ["?", false],
  ])("after %j a run against the verdict is under way: %s", (run, expected) => {
    expect(inTransition(replay(run))).toBe(expected);
  });
});

const runs = fc.array(fc.constantFrom(".", "w", "x", "?", "!"), { maxLength: 60 }).map((signs) => signs.join(""));
const thresholds: fc.Arbitrary<Thresholds> = fc.record({ fall: fc.integer({ min: 1, max: 6 }), rise: fc.integer({ min: 1, max: 6 }) });

/** The observations that agree with a verdict. */
const SAYS = { healthy: ".", degraded: "wx.", unhealthy: "x!", unknown: "" } as const;

describe("whatever is seen", () => {
  test("unknown looks change neither verdict nor runs", () => {
    fc.assert(
      fc.property(runs, thresholds, (run, bounds) => {
        const { last: _last, unknowns: _unknowns, ...seen } = replay(run, bounds);
        const { last: _l, unknowns: _u, ...without } = replayEvidence(run, bounds);
        expect(seen).toEqual(without);
      }),
    );
  });

  test("no verdict turns without a run of its length, and `since` is the run's first look", () => {
    fc.assert(
      fc.property(runs, thresholds, (run, bounds) => {
        const signs = signsOf(run);
        const states = replayAll(run, bounds);
        for (const [index, sign] of signs.entries()) {
          const [before, after] = [states[index], states[index + 1]];
          if (before === undefined || after === undefined || before.verdict === after.verdict) continue;
          const worse = after.verdict === "unhealthy" || (after.verdict === "degraded" && before.verdict !== "unhealthy");
          const needed = sign === "!" || (before.verdict === "unknown" && after.verdict === "healthy") ? 1 : worse ? bounds.fall : bounds.rise;
          const agreeing = agreeingRun(signs.slice(0, index + 1), after.verdict === "degraded" ? (worse ? "wx!" : "w.") : SAYS[after.verdict]);
          expect(agreeing.length).toBeGreaterThanOrEqual(needed);
          expect(after.since).toBe(instantOf(agreeing.at(0) ?? -1));
        }
      }),
    );
  });

  test("`since` is never later than the last look, and never before watching began", () => {
    fc.assert(
      fc.property(runs, thresholds, (run, bounds) => {
        for (const [index, state] of replayAll(run, bounds).entries()) {
          expect(state.since).toBeLessThanOrEqual(Math.max(START, instantOf(index - 1)));
          expect(state.since).toBeGreaterThanOrEqual(START);
        }
      }),
    );
  });

  test("it never goes back to `unknown`", () => {
    fc.assert(
      fc.property(runs, thresholds, (run, bounds) => {
        const verdicts = replayAll(run, bounds).map((state) => state.verdict);
        const known = verdicts.findIndex((verdict) => verdict !== "unknown");
        if (known !== -1) expect(verdicts.slice(known)).not.toContain("unknown");
      }),
    );
  });

  test("an exit always ends unhealthy, and enough passes always end healthy", () => {
    fc.assert(
      fc.property(runs, thresholds, (run, bounds) => {
        expect(replay(`${run}!`, bounds).verdict).toBe("unhealthy");
        expect(replay(run + ".".repeat(bounds.rise), bounds).verdict).toBe("healthy");
        expect(replay(run + "x".repeat(bounds.fall), bounds).verdict).toBe("unhealthy");
      }),
    );
  });
});

/** Indexes of the last looks in a row that are one of `among`, oldest first; unknown ones are passed over. */
function agreeingRun(signs: readonly string[], among: string): readonly number[] {
  const run: number[] = [];
  for (let index = signs.length - 1; index >= 0; index -= 1) {
    const sign = signs[index] ?? "?";
    if (sign === "?") continue;
    if (!among.includes(sign)) break;
    run.unshift(index);
  }
  return run;
}

function replayEvidence(run: string, bounds: Thresholds): ReturnType<typeof replay> {
  return looksOf(run)
    .filter((seen) => seen.kind !== "unknown")
    .reduce((state, seen) => observe(state, seen, bounds), initialState(START));
}
