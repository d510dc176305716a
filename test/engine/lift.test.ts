import { describe, expect, test } from "vitest";
import type { PolicySpec, Trigger } from "../../src/core/policy.ts";
import type { Scene } from "../../src/core/scene.ts";
import { liftWhatIsOver } from "../../src/engine/lift.ts";
import type { Remedy } from "../../src/ports/remedy.ts";
import { after, NOW, RESTART, scene } from "../support/scene.ts";

const RATE: Trigger = { kind: "error_rate", check: "shopify_api", overPercent: 50 };

function policyOf(trigger: Trigger): PolicySpec {
  return { ...RESTART, name: "circuit_breaker", action: "hold_breaker", trigger, params: { breaker: "egress:storefront" } };
}

function sceneOf(run: string): Scene {
  const base = scene([]);
  return { ...base, now: NOW, checks: new Map([...base.checks, ["shopify_api@site", after(run)]]) };
}

/** A remedy that says whether it held something. */
function holding(held: boolean): { readonly remedies: ReadonlyMap<string, Remedy>; readonly asked: string[] } {
  const asked: string[] = [];
  const remedy: Remedy = {
    prepare: async () => ({ precondition: { kind: "none" }, destructive: false, gone: false }),
    execute: async () => ({}),
    readBack: async () => ({ kind: "not_landed" }),
    lift: async (policy) => {
      asked.push(policy);
      return held;
    },
  };
  return { remedies: new Map([["hold_breaker", remedy]]), asked };
}

describe("what a policy holds while shopify_api fails", () => {
  test.each([
    ["xxx", false, "it fails"],
    ["xxx.", false, "one pass is not recovery"],
    ["xxx..", true, "it is healthy again"],
    ["..x", false, "a failure has begun"],
    ["xxx..?", true, "a look that broke changes nothing"],
  ])("%s is taken back: %s, %s", async (run, expected) => {
    const { remedies, asked } = holding(true);
    const lifted = await liftWhatIsOver(sceneOf(run), [policyOf(RATE)], remedies);
    expect(lifted).toEqual(expected ? [{ policy: "circuit_breaker", checks: ["shopify_api"] }] : []);
    expect(asked.length).toBe(expected ? 1 : 0);
  });

  test("is not told where nothing was held", async () => {
    expect(await liftWhatIsOver(sceneOf("xxx.."), [policyOf(RATE)], holding(false).remedies)).toEqual([]);
  });

  test("is left to its own end where the trigger is not about checks alone", async () => {
    const { remedies, asked } = holding(true);
    const calendar: Trigger = { kind: "or", any: [RATE, { kind: "cron", expression: "0 3 * * *" }] };
    expect(await liftWhatIsOver(sceneOf("xxx.."), [policyOf(calendar)], remedies)).toEqual([]);
    expect(asked).toEqual([]);
  });
});
