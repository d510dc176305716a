import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  afterDeath,
  afterVerdict,
  NO_QUARANTINE,
  QUARANTINE_RULES,
  quarantined,
  requestClass,
  type DependencyVerdict,
  type Quarantine,
} from "../../src/core/quarantine.ts";

const MINUTE = 60_000;
const KILLER = "GET product cart";
const HOME = "GET home";

/** Deaths a minute apart, each with the classes then in flight. */
function deaths(state: Quarantine, ...inFlight: readonly (readonly string[])[]): Quarantine {
  return inFlight.reduce((now, classes, at) => afterDeath(now, at * MINUTE, classes), state);
}

function names(state: Quarantine, now: number): readonly string[] {
  return [...quarantined(state, now).keys()];
}

describe("requestClass", () => {
  test("names method, route and personal cookies, in one order", () => {
    expect(requestClass("GET", "product", ["session", "cart"])).toBe(requestClass("GET", "product", ["cart", "session"]));
    expect(requestClass("GET", "product", [])).not.toBe(requestClass("GET", "product", ["cart"]));
  });
});

describe("quarantine", () => {
  test.each<[string, DependencyVerdict, readonly (readonly string[])[], readonly string[]]>([
    ["one death is an accident", "unhealthy", [[KILLER]], []],
    ["two deaths make a suspect", "unhealthy", [[KILLER], [KILLER]], [KILLER]],
    ["whoever was there only once is none", "unhealthy", [[KILLER, HOME], [KILLER]], [KILLER]],
    ["being named twice at one death counts once", "unhealthy", [[KILLER, KILLER]], []],
    ["while the API is healthy nobody is held", "healthy", [[KILLER], [KILLER]], []],
    ["without a verdict suspects are held too", "unknown", [[KILLER], [KILLER]], [KILLER]],
  ])("%s", (_, verdict, inFlight, expected) => {
    expect(names(deaths(afterVerdict(NO_QUARANTINE, verdict), ...inFlight), 2 * MINUTE)).toEqual(expected);
  });

  test("deaths seen before the check noticed count as soon as it does", () => {
    const state = deaths(afterVerdict(NO_QUARANTINE, "healthy"), [KILLER], [KILLER]);
    expect(names(afterVerdict(state, "unhealthy"), 2 * MINUTE)).toEqual([KILLER]);
  });

  test("a healthy API acquits everyone, for good", () => {
    const state = deaths(afterVerdict(NO_QUARANTINE, "unhealthy"), [KILLER], [KILLER]);
    expect(names(afterVerdict(afterVerdict(state, "healthy"), "unhealthy"), 2 * MINUTE)).toEqual([]);
  });

  test("while the API is unhealthy suspects are held however long it takes", () => {
    const state = deaths(afterVerdict(NO_QUARANTINE, "unhealthy"), [KILLER], [KILLER]);
    expect([...quarantined(state, 1_000 * MINUTE)]).toEqual([[KILLER, null]]);
  });

  test("where no check exists they are released ten minutes after the last death", () => {
    const state = deaths(NO_QUARANTINE, [KILLER], [KILLER]);
    expect([...quarantined(state, 11 * MINUTE - 1)]).toEqual([[KILLER, 11 * MINUTE]]);
    expect(names(state, 11 * MINUTE)).toEqual([]);
  });

  test("deaths more than ten minutes apart are not held together", () => {
    const state = afterDeath(afterDeath(NO_QUARANTINE, 0, [KILLER]), 10 * MINUTE, [KILLER]);
    expect(names(state, 10 * MINUTE)).toEqual([]);
  });

  test("property: bounded, and only classes seen at two deaths are held", () => {
    const classes = fc.array(fc.integer({ min: 0, max: 400 }).map(String), { maxLength: 64 });
    fc.assert(
      fc.property(fc.array(classes, { maxLength: 12 }), (history) => {
        const state = history.reduce((now, inFlight, at) => afterDeath(now, at, inFlight), NO_QUARANTINE);
        expect(state.suspicions.size).toBeLessThanOrEqual(QUARANTINE_RULES.classes);
        for (const name of names(state, history.length)) {
          expect(history.filter((inFlight) => inFlight.includes(name)).length).toBeGreaterThanOrEqual(2);
        }
      }),
    );
  });
});
