import { describe, expect, test } from "vitest";
import { createNonces, policyNonce } from "../../src/gateway/nonce.ts";

describe("nonces", () => {
  test.each([32, 44, 64])("of %i characters are hex", (length) => {
    expect(createNonces().next(length)).toMatch(new RegExp(`^[0-9a-f]{${length}}$`));
  });

  test.each([16, 22, 24])("of %i characters are base64url", (length) => {
    expect(createNonces().next(length)).toMatch(new RegExp(`^[A-Za-z0-9_-]{${length}}$`));
  });

  test("never come twice, also where the pool is drawn anew", () => {
    const nonces = createNonces();
    const drawn = Array.from({ length: 5_000 }, () => nonces.next(32));
    expect(new Set(drawn).size).toBe(drawn.length);
  });

  test("are what the source gave", () => {
    expect(createNonces((block) => void block.fill(0xab)).next(32)).toBe("ab".repeat(16));
  });

  test.each([
    ["script-src 'nonce-abc' 'self'; style-src 'nonce-abc'", "abc"],
    ["script-src 'self'", null],
    ["", null],
    ["script-src 'nonce-a'; style-src 'nonce-b'", ""],
  ])("the policy %s has %s", (policy, expected) => {
    expect(policyNonce(policy)).toBe(expected);
  });
});
