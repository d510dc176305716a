import { describe, expect, test } from "vitest";
import { fitnessOf, type OwnState, type Parity } from "../../../src/core/region/fitness.ts";
import type { OutsideVerdict } from "../../../src/core/region/outside.ts";
import { vetoes } from "../../../src/core/region/report.ts";
import { heard, WELL } from "../../support/region-scene.ts";

const SPEC = { name: "us", floor: 2 };

describe("may buyers be led here", () => {
  test.each<[string, Partial<OwnState>, { outside?: OutsideVerdict; parity?: Parity }, string, string]>([
    ["all well", {}, {}, "", ""],
    ["checks fail", { status: "unhealthy" }, {}, "unfit_checks", "unfit_checks"],
    ["nobody has looked yet", { status: "unknown", selling: false, ready: 0 }, {}, "unfit_unseen", "unfit_unseen"],
    ["its API is gone too: it would not help", { selling: false }, {}, "unfit_checks", "unfit_checks"],
    ["one pod too few", { ready: 1 }, {}, "unfit_capacity", "unfit_capacity"],
    ["exactly enough pods", { ready: 2 }, {}, "", ""],
    ["it gave itself up", { givesUp: "no pod is left" }, {}, "unfit_gave_up", "unfit_gave_up"],
    ["nobody gets in from outside", {}, { outside: "down" }, "unfit_path", "unfit_path"],
    ["it cannot see itself from outside", {}, { outside: "unknown" }, "unfit_unseen", "unfit_unseen"],
    ["degraded", { status: "degraded" }, {}, "unfit_degraded", "warns unfit_degraded"],
    ["parity failed", {}, { parity: "failed" }, "unfit_parity", "warns unfit_parity"],
    ["parity is not measured", {}, { parity: "not_measured" }, "", ""],
  ])("%s", (_, own, asked, whileServed, whileDown) => {
    const said = (wholeDown: boolean): string => {
      const { fit, blocks, warns } = fitnessOf(SPEC, { ...WELL, ...own }, { outside: "up", parity: "proven", ...asked, wholeDown });
      expect(fit).toBe(blocks.length === 0);
      return [...blocks.map((one) => one.code), ...warns.map((one) => `warns ${one.code}`)].join(" ");
    };
    expect([said(false), said(true)]).toEqual([whileServed, whileDown]);
  });
});

describe("a primary's daemon stops a failover", () => {
  test.each([
    ["where it is healthy and so is its public path", heard("eu"), true],
    ["not where it does not answer", null, false],
    ["not where buyers do not get in", heard("eu", { outside: "down" }), false],
    ["not where it cannot see that they do", heard("eu", { outside: "unknown" }), false],
    ["not where it is degraded itself", heard("eu", { status: "degraded" }), false],
    ["not where it gives itself up", heard("eu", { givesUp: "draining" }), false],
  ])("%s", (_, word, expected) => expect(vetoes(word)).toBe(expected));
});
