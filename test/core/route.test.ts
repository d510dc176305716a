import { describe, expect, test } from "vitest";
import type { RouteSpec } from "../../src/core/preset.ts";
import { compileGlob, compileRoutes } from "../../src/core/route.ts";

function route(name: string, match: string, mode: RouteSpec["mode"]): RouteSpec {
  return { name, match, mode, ttl: 0, staleWhileRevalidate: 0, staleIfError: 0, query: [], firstByte: 0, bodyIdle: 0, whole: 0 };
}

describe("globs", () => {
  test.each([
    ["/products/*", "/products/pack", true],
    ["/products/*", "/products/", true],
    ["/products/*", "/products", false],
    ["/products/*", "/products/a/b", false],
    ["/blogs/**", "/blogs", true],
    ["/blogs/**", "/blogs/a/b", true],
    ["/blogs/**", "/blogsy", false],
    ["/cart**", "/cart.data", true],
    ["/**.data", "/a/b.data", true],
    ["/**.data", "/a/bxdata", false],
    ["/", "/", true],
    ["/", "/x", false],
    ["/a+b", "/a+b", true],
    ["/a+b", "/aab", false],
  ])("%s on %s: %s", (glob, path, expected) => {
    expect(compileGlob(glob)(path)).toBe(expected);
  });
});

describe("routes", () => {
  const find = compileRoutes([route("product", "/products/*", "page"), route("all", "/blogs/**", "page"), route("product2", "/products/x", "pass")], ["/cart**", "/blogs/secret"], route("other", "/**", "pass"));

  test("the first match wins", () => {
    expect(find("/products/x").name).toBe("product");
  });

  test("what matches nothing takes the fallback", () => {
    expect(find("/nowhere").name).toBe("other");
  });

  test.each(["/cart", "/CART", "/Cart/lines", "/cart.data", "/cart/123:1", "/blogs/Secret"])("%s is never stored, in any spelling", (path) => {
    expect(find(path)).toMatchObject({ name: "never", mode: "never" });
  });

  test("a page has one spelling", () => {
    expect(find("/Products/x").mode).toBe("pass");
  });
});
