import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { answeredByCache, cdnWord } from "../../src/core/cdn-word.ts";

type Fields = Readonly<Record<string, string>>;

/** As in a table: "hit", "hit fresh", "hit stale", "miss", "uncached", "untold", with the field that told. */
function said(headers: Fields, status = 200): string {
  const word = cdnWord({ status, headers });
  if (word.kind === "untold") return "untold";
  const how = word.kind !== "hit" || word.stale === null ? "" : word.stale ? " stale" : " fresh";
  return `${word.kind}${how}, ${word.by}`;
}

describe("CF-Cache-Status", () => {
  test.each([
    ["HIT", "hit fresh"],
    ["hit", "hit fresh"],
    ["REVALIDATED", "hit fresh"],
    ["STALE", "hit stale"],
    ["UPDATING", "hit stale"],
    ["MISS", "miss"],
    ["EXPIRED", "miss"],
    ["BYPASS", "uncached"],
    ["DYNAMIC", "uncached"],
    ["NONE/UNKNOWN", "uncached"],
  ])("%s is a %s", (value, expected) => {
    expect(said({ "cf-cache-status": value })).toBe(`${expected}, CF-Cache-Status`);
  });

  test("counts before every other field; a word nobody knows leaves it to them", () => {
    const others = { "cache-status": "edge; hit; ttl=9", "x-cache": "MISS", age: "12" };
    expect(said({ "cf-cache-status": "MISS", ...others })).toBe("miss, CF-Cache-Status");
    expect(said({ "cf-cache-status": "SHINY", ...others })).toBe("hit fresh, Cache-Status");
  });
});

describe("Cache-Status (RFC 9211)", () => {
  test.each([
    ["Edge; hit; ttl=376", "hit fresh"],
    ["Edge; hit; ttl=-412", "hit stale"],
    ["Edge; hit", "hit"],
    ["Edge; hit=?1; ttl=0", "hit fresh"],
    ["Edge; fwd=uri-miss; stored", "miss"],
    ["Edge; fwd=vary-miss", "miss"],
    ["Edge; fwd=miss; fwd-status=200", "miss"],
    ["Edge; fwd=stale", "miss"],
    ["Edge; fwd=stale; fwd-status=200; stored", "miss"],
    ["Edge; fwd=stale; fwd-status=304; ttl=60", "hit fresh"],
    ["Edge; fwd=stale; fwd-status=503", "hit stale"],
    ["Edge; fwd=stale; ttl=-30", "hit stale"],
    ["Edge; fwd=bypass", "uncached"],
    ["Edge; fwd=method", "uncached"],
    ['"Edge, of the west"; hit; ttl=5; detail="a; b, \\"c\\""', "hit fresh"],
    ["Edge;hit;ttl=5", "hit fresh"],
  ])("%s is a %s", (value, expected) => {
    expect(said({ "cache-status": value })).toBe(`${expected}, Cache-Status`);
  });

  test.each([
    ["origin; fwd=miss, edge; hit; ttl=9", "hit fresh, Cache-Status", "the last member is the outermost"],
    ["shopkeeper; hit; ttl=9, edge; fwd=uri-miss", "miss, Cache-Status", "the CDN stands in front of the gateway"],
    ["shopkeeper; hit; ttl=9", "untold", "our own copy is no CDN's"],
    ["varnish; hit; ttl=9, shopkeeper; fwd=bypass", "untold", "what stands before us is behind us"],
    ["shopkeepers-cdn; hit; ttl=9", "hit fresh, Cache-Status", "another name is not ours"],
    ["edge; hit; fwd=miss", "untold", "both at once make no sense"],
    ["edge; hit=?0", "untold", "false is as good as absent"],
    ["edge; fwd=sideways", "untold", "an unknown reason"],
    ["edge", "untold", "a name alone"],
    ['edge; detail="never closed', "untold", "a broken text"],
    [`${"x".repeat(5_000)}; hit; ttl=1`, "untold", "too long to be read"],
    ["", "untold", "nothing"],
  ])("%j is %s: %s", (value, expected) => {
    expect(said({ "cache-status": value })).toBe(expected);
  });

  test("a stale answer of the origin's own error is that error, not a copy", () => {
    expect(said({ "cache-status": "edge; fwd=stale; fwd-status=404" }, 404)).toBe("miss, Cache-Status");
  });

  test("a quoted text changes nothing, whatever stands in it", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        const detail = `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
        expect(said({ "cache-status": `inner; hit; ttl=-1; detail=${detail}, edge; detail=${detail}; fwd=uri-miss` })).toBe("miss, Cache-Status");
      }),
    );
  });

  test("no field whatever breaks it", () => {
    const piece = fc.oneof(fc.constantFrom('"', "\\", ";", ",", "=", "hit", "fwd", "ttl", " "), fc.string({ maxLength: 5 }));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 50 }), (pieces) => {
        const field = pieces.join("");
        expect(["hit", "miss", "uncached", "untold"]).toContain(cdnWord({ status: 200, headers: { "cf-cache-status": field, "cache-status": field, "x-cache": field, age: field } }).kind);
      }),
    );
  });
});

describe("X-Cache", () => {
  test.each([
    ["HIT", "hit", "a plain one may be stale"],
    ["Hit from cloudfront", "hit", "CloudFront's"],
    ["RefreshHit from cloudfront", "hit fresh", "confirmed by the origin"],
    ["Miss from cloudfront", "miss", "CloudFront's"],
    ["HIT, Miss from cloudfront", "miss", "a cache behind CloudFront had it"],
    ["MISS, HIT", "hit", "the edge had it"],
    ["HIT, MISS", "hit", "the shield had it"],
    ["MISS, MISS", "miss", "neither had it"],
    ["TCP_HIT from a23-45.deploy.akamaitechnologies.com (AkamaiGHost/11)", "hit fresh", "Akamai's"],
    ["TCP_REFRESH_FAIL_HIT from child, TCP_MISS from parent", "hit stale", "Akamai's, with the origin gone"],
    ["HitStale from child", "hit stale", "Akamai's, in other words"],
    ["NotCacheable from child", "uncached", "Akamai's"],
    ["CONFIG_NOCACHE", "uncached", "Azure's"],
  ])("%s is a %s: %s", (value, expected) => {
    expect(said({ "x-cache": value })).toBe(`${expected}, X-Cache`);
  });

  test.each(["Error from cloudfront", "LambdaGeneratedResponse from cloudfront", "N/A", "", "HITS"])("%j tells nothing", (value) => {
    expect(said({ "x-cache": value })).toBe("untold");
  });
});

describe("Warning", () => {
  test.each<[string, string, string]>([
    ['110 - "Response is Stale"', "hit stale, Warning", "stale"],
    ['199 - "old, 110 miles", 111 proxy "Revalidation Failed"', "hit stale, Warning", "the origin could not be asked"],
    ['199 - "110 miles"', "untold", "not what it is about"],
    ["1100 - x", "untold", "another code"],
    ['110 "never closed', "untold", "cannot be read"],
  ])("%s tells %s: %s", (warning, expected) => expect(said({ warning })).toBe(expected));

  test("of our own copy is of that copy", () => expect(said({ warning: '110 - "Response is Stale"', "cache-status": "shopkeeper; hit; ttl=-3" })).toBe("untold"));
});

describe("an answer that a cache gave without its origin", () => {
  test.each<[Fields, string | null]>([
    [{ "cf-cache-status": "HIT" }, "CF-Cache-Status"],
    [{ "cf-cache-status": "STALE" }, "CF-Cache-Status"],
    [{ "cf-cache-status": "REVALIDATED" }, null],
    [{ "cf-cache-status": "EXPIRED", age: "3" }, null],
    [{ "cache-status": "edge; hit" }, "Cache-Status"],
    [{ "cache-status": "edge; fwd=stale; fwd-status=304; ttl=60" }, null],
    [{ "cache-status": "edge; fwd=stale; fwd-status=503" }, "Cache-Status"],
    [{ "cache-status": "edge; hit, shopkeeper; fwd=miss" }, null],
    [{ "x-cache": "HIT, MISS" }, "X-Cache"],
    [{ "x-cache": "RefreshHit from cloudfront" }, null],
    [{ "x-cache": "TCP_REFRESH_HIT from child" }, null],
    [{ "x-cache": "TCP_REFRESH_FAIL_HIT from child" }, "X-Cache"],
    [{ age: "5" }, "Age"],
    [{ age: "5", "cache-status": "shopkeeper; hit; ttl=9" }, null],
    [{}, null],
  ])("%j: %s", (headers, expected) => expect(answeredByCache({ status: 200, headers })).toBe(expected));
});

describe("Age", () => {
  test.each<[Fields, string, string]>([
    [{ age: "1" }, "hit, Age", "some cache had it"],
    [{ age: "0" }, "untold", "Fastly says 0 of a miss"],
    [{}, "untold", "no age is no miss"],
    [{ age: "soon" }, "untold", "no number"],
    [{ age: "99", "cache-status": "shopkeeper; hit; ttl=20" }, "untold", "the age of our own copy"],
    [{ age: "99", "cache-status": "shopkeeper; fwd=stale; fwd-status=503; ttl=-20; detail=status" }, "untold", "of our own stale one"],
    [{ age: "99", "cache-status": "shopkeeper; fwd=uri-miss; fwd-status=200" }, "hit, Age", "we had forwarded it, so it aged at the CDN"],
    [{ age: "99", "x-cache": "MISS" }, "miss, X-Cache", "counts last"],
  ])("%j is %s: %s", (headers, expected) => {
    expect(said(headers)).toBe(expected);
  });
});
