import fc from "fast-check";
import { expect, test } from "vitest";
import { aggregate } from "../../src/core/status.ts";
import type { LookStatus } from "../../src/core/status.ts";
import { Tally } from "../../src/engine/tally.ts";

const look: fc.Arbitrary<LookStatus> = fc.record({
  key: fc.constantFrom("a@1", "a@2", "b@1", "b@2", "c@site"),
  verdict: fc.constantFrom("healthy" as const, "degraded" as const, "unhealthy" as const, "unknown" as const),
  critical: fc.boolean(),
  since: fc.nat(3),
  suppressedBy: fc.constantFrom(null, null, "c@site"),
  inactive: fc.constantFrom(null, null, null, "not configured"),
}).map((one) => ({ ...one, check: one.key.split("@")[0] ?? "", target: one.key.split("@")[1] ?? "" }));

test("status and causes are those of all looks counted anew, whichever turned and in whatever order", () => {
  fc.assert(
    fc.property(fc.uniqueArray(look, { selector: ({ key }) => key }), fc.array(look, { maxLength: 30 }), (first, turns) => {
      const tally = new Tally(first);
      const whole = new Map(first.map((one) => [one.key, one]));
      for (const turn of turns) {
        tally.put(turn);
        whole.set(turn.key, turn);
        expect(tally.status()).toBe(aggregate(whole.values()).status);
        expect(tally.get(turn.key)).toBe(turn);
      }
      expect(tally.judgement()).toEqual({ ...aggregate(whole.values()), looks: [...whole.values()] });
    }),
  );
});
