import { expect, test } from "vitest";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { createSystemResolver } from "../../src/adapters/system-resolver.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { resolverContract } from "./resolver.ts";

resolverContract("getaddrinfo", () => createSystemResolver(createSystemClock()), "localhost");

test("a name that takes too long fails at its deadline; until its thread is free, the next fails at once", async () => {
  const clock = new ManualClock();
  const resolver = createSystemResolver(clock);
  const { signal } = new AbortController();
  // Nothing is heard from the thread within this turn of the loop.
  const late = resolver.resolve("localhost", 0, signal);
  const next = resolver.resolve("localhost", 1_000, signal);
  clock.ring();
  expect(await late).toEqual({ kind: "failed", detail: "localhost was not resolved within 0 ms" });
  expect(await next).toEqual({ kind: "failed", detail: "the name asked before is not resolved yet" });
  expect(clock.waiting).toBe(0);
});
