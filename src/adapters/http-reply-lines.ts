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
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Sixteen digits are more than any number can hold exactly. */
const LENGTH = /^\d{1,15}$/;
const CHUNK_SIZE = /^([0-9a-fA-F]{1,12})[ \t]*(?:;.*)?$/;
const TIMEOUT = /(?:^|[,\s])timeout=(\d{1,9})/;

/** What begins like this is no HTTP/1 answer; null while it still may be one. @param begun the first line as far as it came. */
export function startFault(begun: string): string | null {
  const isOne = begun.length < START.length ? START.startsWith(begun) : begun.startsWith(START);
  return isOne ? null : "it is no HTTP/1 answer";
}

/** As many bytes of the first line tell whether it is an answer. */
export const START_LENGTH = START.length;

/**
 * What no piece of a line may have; null when it is in order. Only the piece is looked at, so that a line that
 * drips in costs no more than one that comes whole. A line ends with CR LF: either of them alone may be the end
 * of it for one reader and not for another.
 *
 * @param afterCr the piece before ended with a CR.
 * @param ends the piece ends with the line's LF.
 */
export function pieceFault(piece: string, afterCr: boolean, ends: boolean): string | null {
  const cr = piece.indexOf("\r");
  const inOrder = afterCr ? piece === "\n" : ends ? cr !== -1 && cr === piece.length - 2 : cr === -1 || cr === piece.length - 1;
  if (!inOrder) return "a line does not end with CR LF";
  return piece.includes("\0") ? "a line holds a NUL" : null;
}

export function parseStatusLine(line: string): { readonly minor: number; readonly status: number } | null {
  // "HTTP/1.1 200 OK", with or without the phrase.
  const minor = digitAt(line, 7);
  const status = digitAt(line, 9) * 100 + digitAt(line, 10) * 10 + digitAt(line, 11);
  const spaced = line[8] === " " && (line.length === 12 || line[12] === " ");
  return line.startsWith(START) && spaced && minor <= 1 && status >= 100 ? { minor, status } : null;
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
    const codings = tokens(coding);
    if (codings.at(-1) === "chunked") return { kind: "chunked" };
    // Named, but not as the last and plain one: some readers would find chunks in it, others a body.
    return codings.some((one) => one.startsWith("chunked")) ? { kind: "broken", why: "its transfer coding can be read in two ways" } : { kind: "until_close" };
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
  const idle = fields["keep-alive"];
  const seconds = idle === undefined ? undefined : TIMEOUT.exec(idle.toLowerCase())?.[1];
  return { keepsOpen, idleMs: seconds === undefined ? null : Number(seconds) * 1_000 };
}

/** NaN where there is none. */
function digitAt(line: string, at: number): number {
  const digit = line.charCodeAt(at) - 48;
  return digit >= 0 && digit <= 9 ? digit : Number.NaN;
}

function tokens(value: string): readonly string[] {
  // As most say it.
  if (value === "keep-alive" || value === "close") return [value];
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
