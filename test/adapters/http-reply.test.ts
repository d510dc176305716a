import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HttpReply, MAX_HEAD_BYTES } from "../../src/adapters/http-reply.ts";

type Read = { readonly isHead?: boolean; readonly maxBodyBytes?: number; readonly closed?: boolean };

/** Reads an answer given in pieces, and says what came of it. */
function read(pieces: readonly (string | Buffer)[], { isHead = false, maxBodyBytes = 1_000, closed = false }: Read = {}) {
  const reply = new HttpReply(isHead, maxBodyBytes);
  // As a connection does: one buffer for all that comes.
  const shared = Buffer.alloc(200_000);
  let progress = "more";
  for (const piece of pieces) {
    const length = typeof piece === "string" ? shared.write(piece, "latin1") : piece.copy(shared);
    progress = reply.read(shared.subarray(0, length));
    shared.fill("#", 0, length);
  }
  if (closed) progress = reply.close();
  const { status, headers, bodyBytes, bodyCut, reusable, idleMs } = reply;
  return { progress, status, headers: { ...headers }, body: reply.body(), bodyBytes, bodyCut, reusable, idleMs };
}

const OK = "HTTP/1.1 200 OK\r\n";

describe("how an answer ends", () => {
  test.each([
    ["its length", `${OK}Content-Length: 2\r\n\r\nok`, false, "ok"],
    ["a length said twice alike", `${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`, false, "ok"],
    ["no length at all: the connection's end", `${OK}\r\nok`, true, "ok"],
    ["chunks", `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\no\r\n001\r\nk\r\n0\r\n\r\n`, false, "ok"],
    ["chunks with extensions and trailers", `${OK}Transfer-Encoding: Chunked\r\n\r\n2 ;a="b"\r\nok\r\n0;c\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n`, false, "ok"],
    ["another coding than chunks: the connection's end", `${OK}Transfer-Encoding: gzip\r\n\r\nok`, true, "ok"],
    ["no content, whatever its head says", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", false, ""],
    ["not modified", "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", false, ""],
    ["interim answers before it", `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`, false, "ok"],
    ["no reason phrase", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", false, "ok"],
  ])("%s", (_name, bytes, closed, body) => {
    expect(read([bytes], { closed })).toMatchObject({ progress: "whole", body, bodyBytes: body.length });
  });

  test("an answer to HEAD has no body, whatever length it tells", () => {
    expect(read([`${OK}Content-Length: 500\r\n\r\n`], { isHead: true })).toMatchObject({ progress: "whole", status: 200, bodyBytes: 0, reusable: true });
  });

  test("it goes on until then", () => {
    for (const part of ["", "HTT", OK, `${OK}Content-Length: 2\r\n\r\no`, `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n`, "HTTP/1.1 100 Continue\r\n\r\n"]) expect(read([part], { closed: true }).progress, part).toBe("more");
  });
});

describe("what is no answer", () => {
  test.each([
    ["another protocol", "220 mail.example ESMTP\r\n"],
    ["another protocol, seen at its first byte", "S"],
    ["HTTP/2", "HTTP/2 200\r\n\r\n"],
    ["a status of two digits", "HTTP/1.1 99 Low\r\n\r\n"],
    ["a switch of protocols nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"],
    ["two lengths", `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\n`],
    ["a length that is no number", `${OK}Content-Length: +2\r\n\r\n`],
    ["a length beyond counting", `${OK}Content-Length: 99999999999999999999\r\n\r\n`],
    ["a length and chunks", `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ["chunks named, but not as the last coding", `${OK}Transfer-Encoding: chunked, gzip\r\n\r\n`],
    ["chunks named with a parameter", `${OK}Transfer-Encoding: chunked;q=1\r\n\r\n`],
    ["a trailer that is none", `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n garbage\r\nno colon\r\n\r\n`],
    ["a chunk whose size is no number", `${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
    ["a chunk of negative size", `${OK}Transfer-Encoding: chunked\r\n\r\n-1\r\n`],
    ["a chunk of a size beyond counting", `${OK}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n`],
    ["a chunk that is longer than it said", `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nokk\r\n`],
    ["a field without a name", `${OK}: x\r\n\r\n`],
    ["a field without a colon", `${OK}nonsense\r\n\r\n`],
    ["a blank before the colon", `${OK}Content-Length : 2\r\n\r\n`],
    ["a line that ends with LF alone", "HTTP/1.1 200 OK\n\n"],
    ["a CR within a line", `${OK}X: a\rb\r\n\r\n`],
    ["a NUL", `${OK}X: a\0b\r\n\r\n`],
  ])("%s", (_name, bytes) => {
    expect(read([bytes]).progress).toBe("broken");
  });

  test("a head, a size line or trailers without end are given up at a bound", () => {
    const line = `X-Pad: ${"x".repeat(1_000)}\r\n`;
    const long = line.repeat(MAX_HEAD_BYTES / 1_000);
    for (const bytes of [OK + long, `${OK}X: ${"x".repeat(MAX_HEAD_BYTES)}`, "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(5_000), `${OK}Transfer-Encoding: chunked\r\n\r\n1;${"x".repeat(MAX_HEAD_BYTES)}`, `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n${long}`]) {
      expect(read([bytes]).progress).toBe("broken");
    }
  });

  test("many chunks are no reason to give up", () => {
    const chunks = "1\r\nx\r\n".repeat(20_000);
    expect(read([`${OK}Transfer-Encoding: chunked\r\n\r\n`, chunks, "0\r\n\r\n"])).toMatchObject({ progress: "whole", bodyBytes: 20_000, bodyCut: true });
  });
});

describe("what it says of the connection", () => {
  test.each([
    ["HTTP/1.1 stays open", "HTTP/1.1 204 x\r\n\r\n", true],
    ["unless it says close", "HTTP/1.1 204 x\r\nConnection: foo, Close\r\n\r\n", false],
    ["HTTP/1.0 closes", "HTTP/1.0 204 x\r\n\r\n", false],
    ["also where it sends chunks, which it does not know", "HTTP/1.0 200 x\r\nConnection: Keep-Alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false],
    ["unless it says keep-alive", "HTTP/1.0 204 x\r\nConnection: Keep-Alive\r\n\r\n", true],
    ["what follows a whole answer was not asked for", "HTTP/1.1 204 x\r\n\r\nHTTP/1.1 200 OK\r\n", false],
    ["neither was a body where none belongs", "HTTP/1.1 304 x\r\nContent-Length: 2\r\n\r\nok", false],
  ])("%s", (_name, bytes, reusable) => {
    expect(read([bytes])).toMatchObject({ progress: "whole", reusable });
  });

  test("a body that ends with the connection leaves none", () => {
    expect(read([`${OK}\r\nok`], { closed: true })).toMatchObject({ progress: "whole", reusable: false });
  });

  test.each([
    ["timeout=5", 5_000],
    ["max=100, Timeout=60", 60_000],
    ["max=100", null],
    ["timeout=x", null],
  ])("Keep-Alive: %s", (value, idleMs) => {
    expect(read([`HTTP/1.1 204 x\r\nKeep-Alive: ${value}\r\n\r\n`]).idleMs).toBe(idleMs);
  });
});

describe("fields and body", () => {
  test("repeated fields are joined, folded ones unfolded, blanks around them dropped", () => {
    const { headers } = read([`${OK}A:  x \t\r\nb: 1\r\na: y\r\nSet-Cookie: c=1\r\nset-cookie: d=2\r\nF: one\r\n\t two\r\nConstructor: z\r\n\r\n`]);
    expect(headers).toEqual({ a: "x, y", b: "1", "set-cookie": "c=1\nd=2", f: "one two", constructor: "z" });
  });

  test("fields of an interim answer are not the answer's", () => {
    expect(read([`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}Content-Length: 0\r\n\r\n`]).headers).toEqual({ "content-length": "0" });
  });

  test("a body is kept up to its bound and counted beyond it", () => {
    for (const bytes of [`${OK}Content-Length: 5\r\n\r\nabcde`, `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n`]) {
      expect(read([bytes], { maxBodyBytes: 3 })).toMatchObject({ body: "abc", bodyBytes: 5, bodyCut: true });
      expect(read([bytes], { maxBodyBytes: 5 })).toMatchObject({ body: "abcde", bodyBytes: 5, bodyCut: false });
      expect(read([bytes], { maxBodyBytes: 0 })).toMatchObject({ body: "", bodyBytes: 5, bodyCut: true });
    }
  });
});

/** Whole answers and broken ones, most of them well formed. */
const answers = fc
  .record({
    interim: fc.constantFrom("", "", "HTTP/1.1 100 Continue\r\n\r\n"),
    start: fc.constantFrom("HTTP/1.1 200 OK", "HTTP/1.1 503 Service Unavailable", "HTTP/1.0 200 OK", "HTTP/1.1 204 No Content", "HTTP/1.1 404", "ICY 200 OK"),
    fields: fc.array(fc.constantFrom("Date: now", "Set-Cookie: a=1", "set-cookie: b", "Connection: close", "Connection: keep-alive", "Keep-Alive: timeout=5", "X-Long: value\r\n folded", "Empty:", "broken"), { maxLength: 5 }),
    body: fc.string({ unit: "grapheme", maxLength: 60 }),
    framing: fc.constantFrom("length", "chunked", "none", "both", "short"),
    sizes: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 }),
    after: fc.constantFrom("", "", "", "more"),
  })
  .map(({ interim, start, fields, body, framing, sizes, after }) => {
    const bytes = Buffer.from(body, "utf8");
    const framed = framing === "chunked" || framing === "both" ? chunked(bytes, sizes) : bytes;
    const said = { length: [`Content-Length: ${bytes.length}`], short: [`content-length: ${Math.max(0, bytes.length - 1)}`], chunked: ["Transfer-Encoding: chunked"], both: ["Transfer-Encoding: chunked", "Content-Length: 3"], none: [] }[framing];
    return Buffer.concat([Buffer.from(`${interim}${[start, ...fields, ...said].join("\r\n")}\r\n\r\n`, "latin1"), framed, Buffer.from(after)]);
  });

function chunked(body: Buffer, sizes: readonly number[]): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0, turn = 0; at < body.length; turn += 1) {
    const part = body.subarray(at, at + (sizes[turn % sizes.length] ?? 1));
    parts.push(Buffer.from(`${part.length.toString(16)};x\r\n`), part, Buffer.from("\r\n"));
    at += part.length;
  }
  return Buffer.concat([...parts, Buffer.from("0\r\nTrailer: 1\r\n\r\n")]);
}

/** Cut at these places, in per mille of the length. */
function cut(bytes: Buffer, places: readonly number[]): readonly Buffer[] {
  const ats = [0, ...places.map((place) => Math.floor((place * bytes.length) / 1_000)), bytes.length].toSorted((a, b) => a - b);
  return ats.slice(1).map((to, index) => bytes.subarray(ats[index], to));
}

describe("however the bytes are split", () => {
  test("the answer is the same", () => {
    fc.assert(
      fc.property(answers, fc.array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 12 }), fc.integer({ min: 0, max: 70 }), fc.boolean(), (bytes, places, maxBodyBytes, closed) => {
        expect(read(cut(bytes, places), { maxBodyBytes, closed })).toEqual(read([bytes], { maxBodyBytes, closed }));
        expect(read([...bytes].map((byte) => Buffer.from([byte])), { maxBodyBytes, closed })).toEqual(read([bytes], { maxBodyBytes, closed }));
      }),
      { numRuns: 500 },
    );
  });

  test("bytes of any kind are read without a throw, and to the same end", () => {
    const noise = fc.array(fc.constantFrom("HTTP/1.1 200 OK", "\r\n", "\r", "\n", "Content-Length: ", "Transfer-Encoding: chunked", "0", "7", ";", ":", " ", "a", "\0"), { maxLength: 30 }).map((parts) => Buffer.from(parts.join("")));
    fc.assert(
      fc.property(noise, fc.array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 12 }), (bytes, places) => {
        expect(read(cut(bytes, places)).progress).toBe(read([bytes]).progress);
      }),
      { numRuns: 500 },
    );
  });
});
