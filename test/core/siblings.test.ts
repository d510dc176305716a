import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ReportedLook, SidecarReport } from "../../src/core/sidecar-report.ts";
import { afterRound, answerOf, hasLeft, NO_ROUND, type SiblingAnswer } from "../../src/core/siblings.ts";

const ANSWERS: Readonly<Record<string, SiblingAnswer>> = {
  ".": { kind: "well", ready: true },
  ",": { kind: "well", ready: false },
  x: { kind: "ill", checks: ["application"] },
  "?": { kind: "unknown", why: "timeout" },
};

/** One letter a sibling: `.` well and ready, `,` well but not ready, `x` ill, `?` no answer. */
function round(letters: string): SiblingAnswer[] {
  return [...letters].flatMap((letter) => ANSWERS[letter] ?? []);
}

function rounds(...all: readonly string[]) {
  return all.map(round).reduce(afterRound, NO_ROUND);
}

describe("one round", () => {
  test.each([
    [".", "own", "the only sibling is well"],
    [".....", "own", "all are well"],
    ["..x", "own", "most are well"],
    [".,", "own", "one of the well can take buyers"],
    [",,", "own_alone", "all are well, none is ready: there is nobody to take the buyers"],
    [".x", "shared", "half of them are ill too"],
    ["xxxx.", "shared", "most are ill too"],
    ["x", "shared", "the only sibling is ill"],
    ["", "unseen", "there is no sibling"],
    ["?", "unseen", "it does not answer"],
    ["..??", "unseen", "half of those asked is no majority"],
    ["...??", "own", "three of five are"],
    ["xxx??", "shared", "also of the ill"],
    ["??.??", "unseen", "one of five says nothing of the others"],
  ])("%j finds %s: %s", (letters, finding) => {
    expect(rounds(letters).finding).toBe(finding);
  });
});

describe("leaving after two rounds, coming back after one", () => {
  test.each([
    [["."], false],
    [[".", "."], true],
    [[".", ".", "."], true],
    [[".", "x", "."], false],
    [[".", ".", "x"], false],
    [[".", ".", ","], false],
    [[".", "?", "."], true],
    [[".", "?", "?", "."], false],
    [[".", ".", "?"], true],
    [[".", ".", "?", "?"], false],
    [[",", ",", ","], false],
    [["?", "?", "?"], false],
  ])("%j: left %s", (all, left) => {
    expect(hasLeft(rounds(...all))).toBe(left);
  });

  test("nobody leaves on a round that saw no sibling well and ready", () => {
    const letters = fc.array(fc.constantFrom(".", ",", "x", "?"), { maxLength: 5 }).map((all) => all.join(""));
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 12 }), letters.filter((last) => !last.includes(".") && !last.includes("?") && last !== ""), (before, last) => {
        expect(hasLeft(rounds(...before, last))).toBe(false);
      }),
    );
  });
});

test("a round says in words what it found", () => {
  expect(rounds("..x").why).toBe("of 3 siblings asked 2 are well");
  expect(rounds(",").why).toBe("of 1 sibling asked 1 are well, and none of them is ready to take the buyers");
  expect(rounds("xx").why).toBe("of 2 siblings asked 2 are unhealthy too (application)");
  expect(rounds("?x?").why).toBe("of 3 siblings asked 2 did not say how they are");
  expect(rounds("").why).toBe("there is no sibling to ask");
});

describe("a sibling's report", () => {
  const look = (check: string, over: Partial<ReportedLook> = {}): ReportedLook => ({ check, target: "app", verdict: "healthy", inactive: null, run: { level: "pass", count: 5, since: 0 }, seen: "pass", cause: null, detail: "", at: 0, facts: {}, ...over });
  const report = (over: Partial<SidecarReport> = {}): SidecarReport => ({ status: "healthy", ready: true, copies: 0, lastGoodMsAgo: null, version: "1", looks: [look("application"), look("page")], breakers: [], ...over });
  const failing = { level: "fail", count: 1, since: 0 } as const;

  test.each<[string, SidecarReport, SiblingAnswer]>([
    ["healthy and ready", report(), { kind: "well", ready: true }],
    ["healthy and not ready", report({ ready: false }), { kind: "well", ready: false }],
    ["degraded is well: it keeps its traffic", report({ status: "degraded" }), { kind: "well", ready: true }],
    ["ready by its copies is ill all the same", report({ status: "unhealthy", looks: [look("page", { verdict: "unhealthy" }), look("redis", { verdict: "unhealthy", inactive: "no redis" })] }), { kind: "ill", checks: ["page"] }],
    ["beginning to fail what we fail", report({ looks: [look("application", { run: failing })] }), { kind: "unknown", why: "its application begins to fail" }],
    ["beginning to fail something else", report({ looks: [look("page", { run: failing })] }), { kind: "well", ready: true }],
    ["not judged yet", report({ status: "unknown" }), { kind: "unknown", why: "it has not judged itself yet" }],
  ])("%s", (_what, given, expected) => {
    expect(answerOf(given, ["application"])).toEqual(expected);
  });
});
