import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BELIEVE_404_AFTER, plan, settle, type Ask, type Conditions, type CopyInHand } from "../../src/core/answer.ts";
import { copyAge } from "../../src/core/copy-age.ts";

const WINDOWS = { filledAt: 0, ttl: 60, staleWhileRevalidate: 300, staleIfError: 3_600 };
const WELL: Conditions = { denied: false, storefrontDenied: false, quarantined: false };

/** A copy of this age: 30 fresh, 100 revalidate, 1000 error only, 9999 expired. */
function copyOf(age: number, neutralisable = true): CopyInHand {
  return { age: copyAge(WINDOWS, age), neutralisable };
}

const BUYER: Ask = { mode: "page", method: "read", buyer: "none", partial: false };

/** One word for a plan, so that the cases make a table. */
function word(ask: Partial<Ask>, conditions: Partial<Conditions>, copy: CopyInHand | null): string {
  const planned = plan({ ...BUYER, ...ask }, { ...WELL, ...conditions }, copy);
  switch (planned.kind) {
    case "serve":
      return [planned.why, planned.refresh ? "refresh" : "", planned.neutralise ? "neutralised" : ""].filter((part) => part !== "").join(" ");
    case "forward":
      return `forward, ${planned.fallback}`;
    case "refuse":
      return `refuse, ${planned.why}`;
  }
}

describe("plan, for a buyer without a cart", () => {
  test.each([
    [30, {}, "fresh"],
    [100, {}, "revalidate refresh"],
    [1_000, {}, "forward, copy"],
    [9_999, {}, "forward, none"],
    [30, { denied: true }, "breaker-open"],
    [100, { denied: true }, "breaker-open"],
    [1_000, { denied: true }, "breaker-open"],
    [9_999, { denied: true }, "refuse, breaker-open"],
    [100, { storefrontDenied: true }, "storefront-open"],
    [1_000, { storefrontDenied: true }, "storefront-open"],
    [9_999, { storefrontDenied: true }, "forward, none"],
    [1_000, { quarantined: true }, "quarantine"],
    [9_999, { quarantined: true }, "refuse, quarantine"],
  ])("a copy of age %i under %o: %s", (age, conditions, expected) => {
    expect(word({}, conditions, copyOf(age))).toBe(expected);
  });

  test("without a copy the application is asked, and refused only while the breaker denies", () => {
    expect(word({}, {}, null)).toBe("forward, none");
    expect(word({}, { denied: true }, null)).toBe("refuse, breaker-open");
  });
});

describe("plan, for other buyers", () => {
  test.each([
    ["cart", 30, {}, "forward, neutralised"],
    ["cart", 1_000, { denied: true }, "breaker-open neutralised"],
    ["cart", 1_000, { quarantined: true }, "quarantine neutralised"],
    ["cart", 30, { storefrontDenied: true }, "forward, neutralised"],
    ["other", 1_000, { denied: true }, "breaker-open neutralised"],
    ["session", 30, {}, "forward, none"],
    ["session", 30, { denied: true }, "refuse, breaker-open"],
    ["session", 30, { quarantined: true }, "refuse, quarantine"],
  ] as const)("%s, copy of age %i, %o: %s", (buyer, age, conditions, expected) => {
    expect(word({ buyer }, conditions, copyOf(age))).toBe(expected);
  });

  test("a page without a place for the style stands in for nobody with a cart", () => {
    expect(word({ buyer: "cart" }, { denied: true }, copyOf(30, false))).toBe("refuse, breaker-open");
  });

  test("while the breaker denies, what is only passed through still passes, writes and the cart do not", () => {
    expect(word({ mode: "pass" }, { denied: true }, null)).toBe("forward, none");
    expect(word({ mode: "pass", method: "write" }, { denied: true }, null)).toBe("refuse, breaker-open");
    expect(word({ mode: "never" }, { denied: true }, null)).toBe("refuse, breaker-open");
  });
});

describe("plan, for assets", () => {
  test.each([
    [30, {}, "fresh"],
    [30, { denied: true }, "fresh"],
    [30, { quarantined: true }, "fresh"],
    [100, {}, "revalidate refresh"],
    [100, { denied: true }, "breaker-open"],
    [1_000, {}, "forward, copy"],
    [1_000, { quarantined: true }, "quarantine"],
    [9_999, {}, "forward, none"],
    [9_999, { denied: true }, "refuse, breaker-open"],
  ])("a copy of age %i under %o: %s, whoever asks", (age, conditions, expected) => {
    for (const buyer of ["none", "cart", "session"] as const) expect(word({ mode: "asset", buyer }, conditions, copyOf(age, false))).toBe(expected);
  });

  test("without a copy the application is asked, and refused at once while the breaker denies", () => {
    expect(word({ mode: "asset" }, {}, null)).toBe("forward, none");
    expect(word({ mode: "asset" }, { denied: true }, null)).toBe("refuse, breaker-open");
    expect(word({ mode: "asset" }, { quarantined: true }, null)).toBe("refuse, quarantine");
    expect(word({ mode: "asset", method: "write" }, { denied: true }, copyOf(30))).toBe("refuse, breaker-open");
  });

  test("a part is the application's to cut, and the whole is given while it is not asked", () => {
    expect(word({ mode: "asset", partial: true }, {}, copyOf(30))).toBe("forward, copy");
    expect(word({ mode: "asset", partial: true }, { denied: true }, copyOf(30))).toBe("fresh");
  });
});

const asks = fc.record({
  mode: fc.constantFrom("page", "asset", "pass", "never"),
  method: fc.constantFrom("read", "write"),
  buyer: fc.constantFrom("none", "ignorable", "cart", "other", "session"),
  partial: fc.boolean(),
} as const);
const conditions = fc.record({ denied: fc.boolean(), storefrontDenied: fc.boolean(), quarantined: fc.boolean() });
const copies = fc.option(fc.record({ age: fc.nat(10_000).map((age) => copyAge(WINDOWS, age)), neutralisable: fc.boolean() }));

describe("whatever happens", () => {
  test("only reads of pages and assets get copies or fills, and never a copy past its windows", () => {
    fc.assert(
      fc.property(asks, conditions, copies, (ask, given, copy) => {
        const planned = plan(ask, given, copy);
        const kept = (ask.mode === "page" || ask.mode === "asset") && ask.method === "read";
        if (planned.kind === "serve") return kept && copy !== null && copy.age.freshness !== "expired";
        if (planned.kind === "forward") return kept || (planned.fallback === "none" && !planned.fill);
        return true;
      }),
    );
  });

  test("a personal request gets the copy of a page only neutralised and only in an outage, a session none", () => {
    fc.assert(
      fc.property(asks, conditions, copies, (ask, given, copy) => {
        const planned = plan(ask, given, copy);
        const personal = ask.buyer !== "none" && ask.buyer !== "ignorable";
        if (!personal || ask.mode === "asset") return true;
        if (planned.kind === "serve") return planned.neutralise && copy?.neutralisable === true && ask.buyer !== "session" && (given.denied || given.quarantined);
        return planned.kind !== "forward" || (planned.fallback !== "copy" && !planned.fill && (ask.buyer !== "session" || planned.fallback === "none"));
      }),
    );
  });

  test("a quarantined request is never forwarded, nor a page, an asset or a write while the breaker denies", () => {
    fc.assert(
      fc.property(asks, conditions, copies, (ask, given, copy) => {
        const planned = plan(ask, given, copy);
        if (planned.kind !== "forward") return true;
        return !given.quarantined && (!given.denied || (ask.mode === "pass" && ask.method === "read"));
      }),
    );
  });
});

describe("settle", () => {
  const HEALTHY = { fallback: "copy", storefrontHealthy: true, contradictedFor: 0 } as const;

  test.each([500, 502, 503, 504, 429, 430])("%i is replaced by the copy, and passes where there is none", (status) => {
    expect(settle({ kind: "answered", status, errorPage: false }, HEALTHY).kind).toBe("copy");
    expect(settle({ kind: "answered", status, errorPage: false }, { ...HEALTHY, fallback: "none" }).kind).toBe("pass");
  });

  test.each([200, 204, 301, 304, 400, 403, 410, 501])("%i passes", (status) => {
    expect(settle({ kind: "answered", status, errorPage: false }, HEALTHY).kind).toBe("pass");
  });

  test("an error page under a 200 is a failure", () => {
    expect(settle({ kind: "answered", status: 200, errorPage: true }, HEALTHY)).toEqual({ kind: "copy", neutralise: false, fault: "error_page" });
  });

  test.each([
    [false, BELIEVE_404_AFTER * 10, "copy"],
    [true, 0, "copy"],
    [true, BELIEVE_404_AFTER - 1, "copy"],
    [true, BELIEVE_404_AFTER, "pass"],
  ])("a 404 against a stored page, API healthy %s, contradicted for %i ms: %s", (storefrontHealthy, contradictedFor, expected) => {
    expect(settle({ kind: "answered", status: 404, errorPage: true }, { fallback: "copy", storefrontHealthy, contradictedFor }).kind).toBe(expected);
  });

  test("a 404 without a stored page is the answer", () => {
    expect(settle({ kind: "answered", status: 404, errorPage: false }, { fallback: "none", storefrontHealthy: false, contradictedFor: 0 }).kind).toBe("pass");
  });

  test.each([
    ["connect", 502],
    ["reset", 502],
    ["truncated", 502],
    ["first_byte", 504],
    ["body_idle", 504],
    ["whole", 504],
  ] as const)("%s without a copy is refused with %i, with one it is replaced", (fault, status) => {
    expect(settle({ kind: "broken", fault }, { ...HEALTHY, fallback: "none" })).toEqual({ kind: "refuse", status, fault });
    expect(settle({ kind: "broken", fault }, { ...HEALTHY, fallback: "neutralised" })).toEqual({ kind: "copy", neutralise: true, fault });
  });
});
