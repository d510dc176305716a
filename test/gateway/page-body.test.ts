import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compilePageReader, flawOf } from "../../src/gateway/page-body.ts";

const NONCE = "0123456789abcdef0123456789abcdef";
const POLICY = `default-src 'self' 'nonce-${NONCE}'`;
const read = compilePageReader({ errorMarks: ['class="route-error"'], wholeMarks: ["</html>"], neutraliseStyle: "a{}", buildId: String.raw`manifest-(\w+)\.js` });

function look(html: string, policy = POLICY): ReturnType<typeof read> {
  return read(Buffer.from(html), policy);
}

function page(inner: string, head = ""): string {
  return `<!DOCTYPE html><html><head><title>é</title>${head}</head><body>${inner}</body></html>`;
}

describe("a page to keep", () => {
  test("the renderer's own nonces are found by byte, in any quoting", () => {
    const html = page(`<script nonce="${NONCE}">let a = "<p>";</script><SCRIPT async NONCE='${NONCE}'></SCRIPT><script nonce=${NONCE}></script>`, `<link rel="modulepreload" href="/assets/manifest-3293d093.js" nonce="${NONCE}"/>`);
    const reading = look(html);
    const bytes = Buffer.from(html);
    expect(reading).toMatchObject({ kind: "page", nonceLength: 32, buildId: "3293d093" });
    if (reading.kind === "refused") return;
    expect(reading.nonceOffsets.map((at) => bytes.toString("latin1", at, at + 32))).toEqual([NONCE, NONCE, NONCE, NONCE]);
  });

  test("the style's place is before the real end of the head", () => {
    const html = page("", "<script>'</head>'</script><!-- </head> -->");
    const reading = look(html, "");
    expect(reading).toMatchObject({ kind: "page", neutraliseAt: Buffer.from(html).indexOf("</head><body>") });
  });

  test("a page without any nonce is one too", () => {
    expect(look(page("<script>1</script>"), "")).toMatchObject({ kind: "page", nonceLength: 0, nonceOffsets: [] });
  });

  test("a nonce in the policy alone will do", () => {
    expect(look(page(""))).toMatchObject({ kind: "page", nonceLength: 32, nonceOffsets: [] });
  });
});

describe("a page not to keep", () => {
  test.each([
    ["text", `<p>${NONCE}</p>`],
    ["a script's text", `<script nonce="${NONCE}">x("${NONCE}")</script>`],
    ["text that looks like a tag", `<textarea><script nonce="${NONCE}"></textarea>`],
    ["a comment", `<!-- <script nonce="${NONCE}"> -->`],
    ["an attribute of another name", `<div data-nonce="${NONCE}"></div>`],
    ["a tag where a nonce means nothing", `<div nonce="${NONCE}"></div>`],
    ["part of a value", `<script nonce="${NONCE}x"></script>`],
    ["a second nonce attribute", `<script nonce="${NONCE}" nonce="${NONCE}"></script>`],
    ["an attribute's value", `<script title='nonce="${NONCE}"'></script>`],
    ["an end tag", `<script></script nonce="${NONCE}">`],
  ])("the nonce stands in %s", (_, inner) => {
    expect(look(page(inner)).kind).toBe("refused");
  });

  test.each([
    ["another nonce", page(`<script nonce="ffffffffffffffffffffffffffffffff"></script>`), POLICY],
    ["a nonce the policy does not have", page(`<script nonce="${NONCE}"></script>`), "default-src 'self'"],
    ["two nonces in the policy", page(""), `script-src 'nonce-${NONCE}'; style-src 'nonce-ffffffffffffffff'`],
    ["too short a nonce", page(""), "script-src 'nonce-abc'"],
    ["an error boundary", page(`<div class="route-error">Oops</div>`), ""],
    ["no end", "<html><body>", ""],
    ["a comment without end", `${page("")}<!-- `, ""],
    ["a script without end", `${page("")}<script>`, ""],
    ["a tag without end", `${page("")}<p class="`, ""],
    ["a script in a script", page("<script><!-- <script> --></script>"), ""],
    ["foreign text", page("<svg><![CDATA[ <script> ]]></svg>"), ""],
  ])("it has %s", (_, html, policy) => {
    expect(look(html, policy).kind).toBe("refused");
  });

  test("whatever is put into a page's text, no place outside a real attribute is ever recorded", () => {
    const junk = fc.array(fc.constantFrom("<script ", `nonce="${NONCE}"`, ">", "</script>", "<!--", "-->", "<div ", "'", '"', " ", "=", "x", "<textarea>", "</textarea>", "/"), { maxLength: 14 });
    fc.assert(
      fc.property(junk, (parts) => {
        const html = page(parts.join(""));
        const reading = look(html);
        if (reading.kind === "refused") return true;
        const text = Buffer.from(html).toString("latin1");
        return reading.nonceOffsets.length === text.split(NONCE).length - 1 && reading.nonceOffsets.every((at) => text.startsWith(NONCE, at));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("what is wrong with a body", () => {
  const rules = { errorMarks: ["BAD"], wholeMarks: ["</html>"] };
  test.each([
    ["fine </html>", null],
    ["BAD </html>", "error_page"],
    ["half", "not_whole"],
  ])("%s: %s", (body, expected) => {
    expect(flawOf(Buffer.from(body), rules)).toBe(expected);
  });
});
