/**
 * The lines of an HTTP/1.1 answer, and what its head says of body and connection
 * (RFC 9110, 9112). Nothing here remembers anything.
 */
import type { Ms } from "../core/time.ts";

/** How an answer's body ends. */
export type Framing =
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "until_close" }
  | { readonly kind: "broken"; readonly why: string };

const START = "HTTP/1.";
const STATUS = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/;
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Sixteen digits are more than any number can hold exactly. */
const LENGTH = /^\d{1,15}$/;
const CHUNK_SIZE = /^([0-9a-fA-F]{1,12})[ \t]*(?:;.*)?$/;
const TIMEOUT = /(?:^|[,\s])timeout=(\d{1,9})/;

/** What no line of an answer may have, whole ("…\r\n") or not yet; null when it is in order so far. */
export function lineFault(line: string, isFirst: boolean): string | null {
  if (isFirst && !(line.length < START.length ? START.startsWith(line) : line.startsWith(START))) return "it is no HTTP/1 answer";
  // A line ends with CR LF; either of them alone may be the end of it for one reader and not for another.
  const cr = line.indexOf("\r");
  const lineEnds = line.endsWith("\n");
  if (cr === -1 ? lineEnds : cr !== line.length - (lineEnds ? 2 : 1)) return "a line does not end with CR LF";
  return line.includes("\0") ? "a line holds a NUL" : null;
}

export function parseStatusLine(line: string): { readonly minor: number; readonly status: number } | null {
  const found = STATUS.exec(line);
  return found === null ? null : { minor: Number(found[1]), status: Number(found[2]) };
}

/** A header field with its name in lower case. */
export function parseField(line: string): { readonly name: string; readonly value: string } | null {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(0, colon));
  return NAME.test(name) ? { name: name.toLowerCase(), value: trimBlanks(line, colon + 1) } : null;
}

export function parseChunkSize(line: string): number | null {
  const digits = CHUNK_SIZE.exec(line)?.[1];
  return digits === undefined ? null : Number.parseInt(digits, 16);
}

/** RFC 9112, 6.3, for an answer that has a body. */
export function bodyFraming(fields: Readonly<Record<string, string>>): Framing {
  const coding = fields["transfer-encoding"];
  const length = fields["content-length"];
  if (coding !== undefined) {
    // Both at once is how answers are smuggled past one of two readers.
    if (length !== undefined) return { kind: "broken", why: "it has both a length and a transfer coding" };
    return tokens(coding).at(-1) === "chunked" ? { kind: "chunked" } : { kind: "until_close" };
  }
  if (length === undefined) return { kind: "until_close" };
  if (LENGTH.test(length)) return { kind: "length", bytes: Number(length) };
  const said = new Set(length.split(",").map((one) => one.trim()));
  const [only = ""] = said;
  return said.size === 1 && LENGTH.test(only) ? { kind: "length", bytes: Number(only) } : { kind: "broken", why: "its length cannot be told" };
}

/** Whether the connection outlives the answer, and how long the server says it keeps it idle. */
export function connectionTerms(fields: Readonly<Record<string, string>>, minor: number): { readonly keepsOpen: boolean; readonly idleMs: Ms | null } {
  const options = fields["connection"];
  const said = options === undefined ? [] : tokens(options);
  const keepsOpen = !said.includes("close") && (minor === 1 || said.includes("keep-alive"));
  const seconds = TIMEOUT.exec(fields["keep-alive"]?.toLowerCase() ?? "")?.[1];
  return { keepsOpen, idleMs: seconds === undefined ? null : Number(seconds) * 1_000 };
}

function tokens(value: string): readonly string[] {
  return value.toLowerCase().split(",").map((token) => token.trim());
}

/** The rest of a line without the blanks around it. */
function trimBlanks(line: string, from: number): string {
  let start = from;
  let end = line.length;
  while (start < end && isBlank(line.charCodeAt(start))) start += 1;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end -= 1;
  return line.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}
