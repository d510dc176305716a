import { describe, expect, test } from "vitest";
import type { RouteSpec } from "../../src/core/preset.ts";
import { limitsOf } from "../../src/gateway/turn.ts";

const ROUTE: RouteSpec = { name: "product", match: "/products/*", mode: "page", ttl: 0, staleWhileRevalidate: 0, staleIfError: 0, query: [], firstByte: 5_000, bodyIdle: 10_000, whole: 60_000 };

describe("limits of one exchange", () => {
  test("a page that streams has the route's own", () => {
    expect(limitsOf({ route: ROUTE, method: "read" }, "judge")).toEqual({ firstByte: 5_000, bodyIdle: 10_000, whole: 60_000 });
  });

  test("a page held back must be whole by the time its first byte was due", () => {
    expect(limitsOf({ route: ROUTE, method: "read" }, "hold")).toEqual({ firstByte: 5_000, bodyIdle: 10_000, whole: 5_000 });
  });

  test("a write has longer, because cutting it off does not undo it", () => {
    expect(limitsOf({ route: ROUTE, method: "write" }, "stream")).toEqual({ firstByte: 15_000, bodyIdle: 10_000, whole: 60_000 });
  });

  test("a route that gives writes longer still keeps its own", () => {
    expect(limitsOf({ route: { ...ROUTE, firstByte: 30_000 }, method: "write" }, "stream").firstByte).toBe(30_000);
  });

  test("no limit stays none", () => {
    expect(limitsOf({ route: { ...ROUTE, firstByte: 0, whole: 0 }, method: "write" }, "stream")).toEqual({ firstByte: 0, bodyIdle: 10_000, whole: 0 });
  });
});
