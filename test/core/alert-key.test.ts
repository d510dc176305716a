import { describe, expect, test } from "vitest";
import { alertKey } from "../../src/core/alert-key.ts";

describe("alertKey", () => {
  test("is the same for the same incident, in every process and version", () => {
    expect(alertKey("shop", "application", 1_760_000_000_000)).toBe(alertKey("shop", "application", 1_760_000_000_000));
    expect(alertKey("", "", 0)).toMatch(/^[0-9a-f]{16}$/);
    expect(alertKey("shop", "application", 1_760_000_000_000)).toMatchInlineSnapshot(`"de77f4071b367e83"`);
  });

  test("differs by site, check and start, and by where one name ends and the next begins", () => {
    const keys = [alertKey("shop", "page", 1), alertKey("shop2", "page", 1), alertKey("shop", "page2", 1), alertKey("shop", "page", 2), alertKey("sho", "ppage", 1), alertKey("shöp", "page", 1)];
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("100,000 incidents have 100,000 keys", () => {
    const keys = new Set(Array.from({ length: 100_000 }, (_, n) => alertKey("shop", `check${n % 100}`, n)));
    expect(keys.size).toBe(100_000);
  });
});
