import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { effectiveHold, MAX_HOLDS, withHold, withoutHold, type BreakerHold, type Holds } from "../../src/core/breaker.ts";

function hold(by: string, position: "open" | "closed", until = 1_000): BreakerHold {
  return { breaker: "ingress:app", position, until, by, why: "because" };
}

const holds = fc.array(
  fc.record({ by: fc.constantFrom("pulse", "policy:a", "policy:b", "ann", "bob"), position: fc.constantFrom("open" as const, "closed" as const), until: fc.integer({ min: 1, max: 20 }) }),
  { maxLength: 60 },
);

describe("holds", () => {
  test.each<[string, Holds, string | null]>([
    ["none: nothing is held", [], null],
    ["a person goes before a policy and the pulse", [hold("ann", "closed"), hold("policy:circuit_breaker", "open"), hold("pulse", "open")], "ann"],
    ["a policy goes before the pulse", [hold("policy:circuit_breaker", "open"), hold("pulse", "open")], "policy:circuit_breaker"],
    ["of two people the last one decides", [hold("ann", "closed"), hold("bob", "open")], "bob"],
    ["what has expired decides nothing", [hold("ann", "closed", 500), hold("pulse", "open", 501)], "pulse"],
  ])("%s", (_, held, by) => {
    expect(effectiveHold(held, 500)?.by ?? null).toBe(by);
  });

  test("a holder replaces only its own hold, and can release only its own", () => {
    const two = withHold(withHold([], hold("ann", "open"), 0), hold("bob", "open"), 0);
    expect(effectiveHold(withHold(two, hold("bob", "closed"), 0), 0)).toEqual(hold("bob", "closed"));
    expect(withoutHold(two, "pulse", 0)).toEqual(two);
    expect(effectiveHold(withoutHold(two, "bob", 0), 0)?.by).toBe("ann");
  });

  test("are bounded, and a flood of policies never drops a person's", () => {
    let held: Holds = withHold([], hold("ann", "closed"), 0);
    for (let at = 0; at < 100; at += 1) held = withHold(held, hold(`policy:${at}`, "open"), 0);
    expect(held.length).toBe(MAX_HOLDS);
    expect(effectiveHold(held, 0)?.by).toBe("ann");
  });

  test("property: at most one a holder, none in force at its own end", () => {
    fc.assert(
      fc.property(holds, fc.integer({ min: 0, max: 20 }), (list, now) => {
        const held = list.reduce<Holds>((all, { by, position, until }) => withHold(all, hold(by, position, until), now), []);
        expect(new Set(held.map(({ by }) => by)).size).toBe(held.length);
        const decides = effectiveHold(held, now);
        if (decides !== null) expect(decides.until).toBeGreaterThan(now);
      }),
    );
  });
});
