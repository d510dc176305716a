/** What every Resolver keeps to. */
import { describe, expect, test } from "vitest";
import type { Resolver } from "../../src/ports/resolver.ts";

export function resolverContract(name: string, open: () => Resolver, known: string): void {
  describe(`${name} as a Resolver`, () => {
    const going = (): AbortSignal => new AbortController().signal;

    test("finds all addresses of a name, each once", async () => {
      const found = await open().resolve(known, 2_000, going());
      if (found.kind === "failed") throw new Error(found.detail);
      expect(found.addresses.length).toBeGreaterThan(0);
      expect(new Set(found.addresses).size).toBe(found.addresses.length);
      for (const address of found.addresses) expect(address).toMatch(/^[\d.]+$|^[\da-f:]+$/i);
    });

    test("a name nobody knows fails; it does not reject", async () => {
      expect(await open().resolve("nobody.invalid", 5_000, going())).toMatchObject({ kind: "failed", detail: expect.stringContaining("nobody.invalid") });
    });

    test("who has given up before gets nothing", async () => {
      expect(await open().resolve(known, 2_000, AbortSignal.abort())).toEqual({ kind: "failed", detail: "the caller gave up" });
    });

    test("the host's own addresses are told", () => {
      expect(open().own()).toContain("127.0.0.1");
    });
  });
}
