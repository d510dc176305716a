import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { knownToken, may, personOf } from "../../src/server/tokens.ts";

const ada = knownToken("ada", "operator", "token-of-ada");
const bob = knownToken("bob", "viewer", "token-of-bob");
const eve = knownToken("eve", "approver", "token-of-eve");
const known = [ada, bob, eve];

describe("a bearer token", () => {
  test.each([
    ["Bearer token-of-bob", "bob"],
    ["bearer token-of-bob", "bob"],
    ["BEARER   token-of-eve", "eve"],
  ])("%j is %s", (header, name) => {
    expect(personOf(header, known)?.name).toBe(name);
  });

  test.each<[string | undefined, string]>([
    [undefined, "no header"],
    ["", "an empty header"],
    ["Bearer", "no token"],
    ["Bearer ", "an empty token"],
    ["token-of-ada", "no scheme"],
    ["Basic token-of-ada", "another scheme"],
    ["Bearer token-of-ad", "one letter too few"],
    ["Bearer token-of-adaa", "one letter too many"],
    ["Bearer Token-of-ada", "another case"],
    ["Bearer token-of-ada token-of-bob", "two tokens"],
    [`Bearer ${"x".repeat(513)}`, "a token longer than any"],
  ])("%j is nobody: %s", (header) => {
    expect(personOf(header, known)).toBeNull();
  });

  test("nobody is known where there are no tokens", () => {
    expect(personOf("Bearer token-of-ada", [])).toBeNull();
  });

  test("every known token is compared, as a digest of one length, whichever fits", () => {
    let compared = 0;
    const counted = known.map((token) => ({
      name: token.name,
      role: token.role,
      get digest() {
        compared += 1;
        return token.digest;
      },
    }));
    for (const header of ["Bearer token-of-ada", "Bearer token-of-eve", "Bearer nobody-at-all"]) {
      compared = 0;
      personOf(header, counted);
      expect(compared).toBe(known.length);
    }
    expect(known.map((token) => token.digest.byteLength)).toEqual([32, 32, 32]);
  });

  test("the token itself is not kept", () => {
    expect(inspect(ada) + JSON.stringify(ada)).not.toContain("token-of-ada");
    expect(ada.digest.toString()).not.toContain("token-of-ada");
  });
});

describe("a role", () => {
  test.each([
    ["viewer", true, false],
    ["operator", true, true],
    ["approver", true, false],
  ] as const)("%s may read: %s, may act: %s", (role, reads, acts) => {
    const person = { name: "somebody", role };
    expect(may(person, "viewer")).toBe(reads);
    expect(may(person, "operator")).toBe(acts);
  });
});
