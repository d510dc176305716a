import { describe, expect, test } from "vitest";
import { guardRemote, initialConnectivity, observeReference } from "../../src/core/connectivity.ts";
import type { Connectivity } from "../../src/core/connectivity.ts";
import { instantOf, look, signsOf } from "../support/notation.ts";

/** Two references, asked in turn: first of each pair is the first reference. */
function asked(run: string): Connectivity {
  return signsOf(run).reduce((state, sign, index) => observeReference(state, index % 2, look(sign, instantOf(index))), initialConnectivity(2));
}

describe("the connectivity guard", () => {
  test.each([
    ["", false, "nothing asked yet"],
    ["x", false, "one answer is not both"],
    ["xx", true, "both are silent"],
    ["x.", false, "one suffices"],
    [".x", false, "either one"],
    ["xx.", false, "back as soon as one answers"],
    ["xx?", true, "a broken look changes nothing"],
    ["ww", false, "a slow answer is an answer"],
  ])("%j: network lost %s, %s", (run, lost) => {
    expect(asked(run).lostSince !== null).toBe(lost);
  });

  test("says since when, and keeps it while it lasts", () => {
    expect(asked("xx").lostSince).toBe(instantOf(1));
    expect(asked("xxxx").lostSince).toBe(instantOf(1));
  });

  test("without references it is off", () => {
    const off = initialConnectivity(0);
    expect(guardRemote(look("x", 1), true, off).kind).toBe("fail");
  });

  test("while the network is gone a remote failure is unknown, a pass is a pass, and local looks count", () => {
    const gone = asked("xx");
    expect(guardRemote(look("x", 5), true, gone)).toMatchObject({ kind: "unknown", cause: "no_network", at: 5 });
    expect(guardRemote(look("w", 5), true, gone).kind).toBe("unknown");
    expect(guardRemote(look(".", 5), true, gone).kind).toBe("pass");
    expect(guardRemote(look("x", 5), false, gone).kind).toBe("fail");
    expect(guardRemote(look("x", 5), true, asked("x.")).kind).toBe("fail");
  });
});
