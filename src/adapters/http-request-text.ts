/**
 * A request as it goes over the wire, in one piece (RFC 9112). What cannot be written
 * without ambiguity is refused.
 */
import type { HttpRequest } from "../ports/http.ts";

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// Latin-1 without control characters, tabs excepted.
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** Framing and the connection are ours to decide. */
const OURS = new Set(["transfer-encoding", "keep-alive", "upgrade", "expect"]);

export type RequestText = {
  /** A string is Latin-1. */
  readonly bytes: string | Buffer;
  /** It asks the server to end the connection after the answer. */
  readonly closes: boolean;
};

/** The `host` field asked for instead of the URL's own; it also names the host to TLS. */
export function hostField(headers: Readonly<Record<string, string>>): string | undefined {
  if (headers["host"] !== undefined) return headers["host"];
  for (const name in headers) if (name.length === 4 && name.toLowerCase() === "host") return headers[name];
  return undefined;
}

/** @throws {TypeError} where a name or a value cannot be sent. */
export function requestText({ method, headers, body }: Pick<HttpRequest, "method" | "headers" | "body">, path: string, host: string): RequestText {
  const payload = body === undefined ? null : Buffer.from(body, "utf8");
  const length = payload?.length ?? (method === "POST" || method === "PATCH" ? 0 : null);
  let lines = "";
  let connection = "keep-alive";
  for (const [name, value] of Object.entries(headers)) {
    if (!NAME.test(name) || !VALUE.test(value)) throw new TypeError(`header ${JSON.stringify(name)} cannot be sent`);
    const lower = name.toLowerCase();
    if (OURS.has(lower)) throw new TypeError(`header ${name} cannot be asked for`);
    if (lower === "host") continue;
    if (lower === "connection") connection = value.toLowerCase();
    else if (lower !== "content-length") lines += `${name}: ${value}\r\n`;
    else if (value !== String(length)) throw new TypeError(`content-length ${value} is not the body's`);
  }
  if (connection !== "keep-alive" && connection !== "close") throw new TypeError(`connection ${connection} cannot be asked for`);
  const framing = length === null ? "" : `content-length: ${length}\r\n`;
  const head = `${method} ${path} HTTP/1.1\r\nhost: ${hostField(headers) ?? host}\r\nconnection: ${connection}\r\n${lines}${framing}\r\n`;
  const bytes = payload === null || payload.length === 0 ? head : Buffer.concat([Buffer.from(head, "latin1"), payload]);
  return { bytes, closes: connection === "close" };
}
