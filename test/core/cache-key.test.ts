import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cacheKey, compileQuery, dropParameters, MAX_PARAMETERS, readHost, readTarget } from "../../src/core/cache-key.ts";
import { nameSet } from "../../src/core/name-set.ts";

describe("targets", () => {
  test.each(["http://evil.example/", "*", "", "evil", "/a b", "/a\u0000", "/caf\u0142"])("%j is refused", (raw) => {
    expect(readTarget(raw).kind).toBe("bad");
  });

  test.each(["//evil", "/a//b", "/a/../cart", "/a/./b", "/a/..", "/%2e%2e/cart", "/%2E/x", "/a%2fb", "/a%5Cb", "/a\\b", "/a%3Fb", "/a%23b", "/a%252fb", "/a%00", "/a%zz", "/a;b", "/a#b"])("%s can be read in two ways", (raw) => {
    expect(readTarget(raw)).toMatchObject({ kind: "ok", dubious: true });
  });

  test.each([
    ["/%63art", "/cart"],
    ["/products/caf%c3%a9", "/products/caf%C3%A9"],
    ["/a.b/..c", "/a.b/..c"],
    ["/x?next=http://a/../b", "/x"],
  ])("%s is the path %s", (raw, path) => {
    expect(readTarget(raw)).toMatchObject({ kind: "ok", path, dubious: false });
  });

  test("reading a path again changes nothing", () => {
    fc.assert(
      fc.property(fc.webPath({ size: "small" }), (raw) => {
        const first = readTarget(raw === "" ? "/" : raw);
        if (first.kind === "bad" || first.dubious) return true;
        const again = readTarget(first.path);
        return again.kind === "ok" && again.path === first.path;
      }),
    );
  });
});

describe("queries of pages", () => {
  const reduce = compileQuery(["cursor", "filter.*"], ["utm_*", "gclid"]);

  test.each([
    ["", "", ""],
    ["utm_source=a&cursor=2", "cursor=2", "cursor=2"],
    ["filter.b=1&cursor=2&x=3", "filter.b=1&cursor=2", "cursor=2&filter.b=1"],
    ["%63ursor=2", "%63ursor=2", "%63ursor=2"],
    ["&&cursor&", "cursor", "cursor"],
    ["utm%5Fsource=1", "", ""],
    ["gclid=%E0%A4%A", "", ""],
  ])("%s forwards %s under %s", (query, forward, key) => {
    expect(reduce(query)).toEqual({ forward, key });
  });

  test("a star keeps all but marketing", () => {
    expect(compileQuery(["*"], ["utm_*"])("Size=L&utm_medium=x&Color=Red")).toEqual({ forward: "Size=L&Color=Red", key: "Color=Red&Size=L" });
  });

  test("too many parameters are nobody's page", () => {
    expect(compileQuery(["*"], [])(Array.from({ length: MAX_PARAMETERS + 1 }, (_, at) => `p${at}=1`).join("&"))).toBeNull();
  });

  test("order does not make another page, and nothing dropped is in it", () => {
    const part = fc.tuple(fc.constantFrom("cursor", "filter.a", "utm_x", "gclid", "zzz"), fc.stringMatching(/^[a-z0-9]{0,5}$/)).map(([name, value]) => `${name}=${value}`);
    fc.assert(
      fc.property(fc.uniqueArray(part, { maxLength: 8 }), (parts) => {
        const one = reduce(parts.join("&"));
        const other = reduce(parts.toReversed().join("&"));
        return one !== null && one.key === other?.key && !/utm_|gclid|zzz/.test(one.forward + one.key);
      }),
    );
  });

  test("passed-through queries lose only what is dropped", () => {
    expect(dropParameters("a=1&utm_x=2&&b=3", nameSet(["utm_*"]))).toBe("a=1&&b=3");
  });
});

describe("keys", () => {
  const parts = { scheme: "https", host: "shop.example", agent: "browser", market: "", encoding: "identity", path: "/a", query: "" } as const;

  test("each part makes another page", () => {
    const keys = [parts, { ...parts, scheme: "http" as const }, { ...parts, host: "b.example" }, { ...parts, agent: "bot" as const }, { ...parts, market: "de" }, { ...parts, path: "/b" }, { ...parts, query: "x=1" }].map(cacheKey);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test.each([
    ["Shop.Example:8080", "shop.example:8080"],
    ["[::1]:80", "[::1]:80"],
    ["a|b", null],
    ["a/b", null],
    ["user@host", null],
    ["", null],
    [undefined, null],
  ])("host %s is %s", (header, expected) => {
    expect(readHost(header)).toBe(expected);
  });
});
