import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileCookies, cookieNames, isPersonal } from "../../src/core/cookies.ts";

const read = compileCookies({ ignoreCookies: ["_shopify_*", "_ga"], neutralisedCookies: ["cart"], personalCookies: ["session", "customer*"] });

describe("whose request it is", () => {
  test.each([
    [undefined, "none", []],
    ["", "none", []],
    ["_shopify_y=1; _ga=2", "ignorable", []],
    ["_ga=1; cart=c1%3Fkey%3D2", "cart", ["cart"]],
    ["cart", "cart", ["cart"]],
    ["cart=; cart=2", "cart", ["cart"]],
    ["session=abc; cart=1", "session", ["session", "cart"]],
    ["customer_sig=1", "session", ["customer*"]],
    ["customerA=1; customerB=1", "session", ["customer*"]],
    ["_gadget=1", "other", ["other"]],
    ["foo=1;bar=2", "other", ["other"]],
    ["CART=1", "other", ["other"]],
    ["  cart =1", "cart", ["cart"]],
    ["=nameless", "other", ["other"]],
  ])("%s is %s", (cookie, kind, personal) => {
    expect(read(cookie, false)).toEqual({ kind, personal });
  });

  test("Authorization is a session, whatever the cookies", () => {
    expect(read(undefined, true)).toEqual({ kind: "session", personal: ["authorization"] });
    expect(read("_ga=1", true).kind).toBe("session");
  });

  test("any cookie that is on no list is personal", () => {
    const name = fc.stringMatching(/^[a-z]{1,12}$/);
    fc.assert(fc.property(name, fc.string(), (cookie, value) => isPersonal(read(`_ga=1; ${cookie}=${value.replaceAll(";", "")}`, false).kind)));
  });

  test("names, and only names, come out of any header; never more than a few are remembered", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (header) => {
        const names = cookieNames(header);
        return names.every((name) => !name.includes(";") && !name.includes("=")) && read(header, false).personal.length <= 8;
      }),
    );
  });
});
