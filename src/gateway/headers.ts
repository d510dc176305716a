/**
 * Header fields on their way in and out.
 */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { nameSet, type NameSet } from "../core/name-set.ts";

/** Fields that belong to one connection (RFC 9110 §7.6.1), besides those that Connection lists. */
const HOP_BY_HOP = ["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "transfer-encoding", "upgrade", "http2-settings"];

/** What a client may not say: who it is behind, what was asked, and the fields we set ourselves. */
const NEVER_FORWARDED = [
  ...HOP_BY_HOP,
  "trailer",
  "expect",
  "host",
  "content-length",
  "forwarded",
  "x-forwarded-*",
  "x-real-ip",
  "x-client-ip",
  "x-original-url",
  "x-original-host",
  "x-rewrite-url",
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
  "oxygen-*",
  "request-id",
];

/** Where a request really comes from, as far as trusted proxies say. */
export type Origin = {
  /** The buyer's address. */
  readonly address: string;
  /** X-Forwarded-For to send on: the believed entries, buyer first. */
  readonly forwardedFor: string;
  readonly scheme: "http" | "https";
};

/**
 * Reads X-Forwarded-For and X-Forwarded-Proto by hop count: with N trusted proxies in front, the last
 * N entries (the socket's own address counts as one) were written by them and everything further left
 * by whoever liked to.
 */
export function readOrigin(headers: IncomingHttpHeaders, peer: string, trustedHops: number): Origin {
  const socket = plainAddress(peer);
  if (trustedHops === 0) return { address: socket, forwardedFor: socket, scheme: "http" };
  const said = headers["x-forwarded-for"];
  const entries = said === undefined ? [] : joined(said).split(",").map((entry) => plainAddress(entry.trim()));
  const chain = [...entries, socket];
  const believed = chain.slice(Math.max(0, chain.length - 1 - trustedHops));
  // An entry that is no address was not written by a proxy we trust: believe only what is right of it.
  const lastBad = believed.findLastIndex((entry) => isIP(entry) === 0);
  const sound = believed.slice(lastBad + 1);
  const proto = headers["x-forwarded-proto"];
  const scheme = proto !== undefined && joined(proto).split(",").at(-1)?.trim().toLowerCase() === "https" ? "https" : "http";
  return { address: sound[0] ?? socket, forwardedFor: sound.join(", ") || socket, scheme };
}

function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

function joined(value: string | string[]): string {
  return typeof value === "string" ? value : value.join(",");
}

export type ForwardAs = {
  readonly host: string;
  readonly origin: Origin;
  readonly requestId: string;
  /** Pass the content's length on; null: there is no body, or it is chunked. */
  readonly contentLength: string | null;
};

/** Builds the fields of a forwarded request, names and values flat. */
export type RequestFields = (req: IncomingMessage, as: ForwardAs) => string[];

/** Compiles the fields not to forward: ours and the preset's (`dropRequestHeaders`, lower case). */
export function compileRequestFields(dropped: readonly string[]): RequestFields {
  const isDropped = nameSet([...NEVER_FORWARDED, ...dropped]);
  return (req, as) => {
    const fields = ["host", as.host];
    const listed = connectionListed(req.headers.connection);
    copyFields(req.rawHeaders, fields, listed === null ? isDropped : (name) => isDropped(name) || listed(name));
    const { host, origin, requestId, contentLength } = as;
    fields.push("x-forwarded-for", origin.forwardedFor, "x-forwarded-host", host, "x-forwarded-proto", origin.scheme, "oxygen-buyer-ip", origin.address, "request-id", requestId);
    if (contentLength !== null) fields.push("content-length", contentLength);
    return fields;
  };
}

function copyFields(raw: readonly string[], into: string[], isDropped: NameSet): void {
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? "";
    if (!isDropped(name.toLowerCase())) into.push(name, raw[at + 1] ?? "");
  }
}

/** Names a Connection field makes hop-by-hop; null where it names none. What the exchange cannot do without cannot be listed away. */
function connectionListed(connection: string | undefined): NameSet | null {
  if (connection === undefined) return null;
  const names = connection.toLowerCase().split(",").map((name) => name.trim()).filter((name) => name !== "" && name !== "keep-alive" && name !== "close");
  return names.length === 0 ? null : nameSet(names.filter((name) => !ESSENTIAL.has(name)));
}

const ESSENTIAL = new Set(["cookie", "authorization", "cache-control", "set-cookie", "content-type", "content-security-policy"]);

const isHopByHop = nameSet([...HOP_BY_HOP]);

/**
 * Fields of an answer that may pass, names and values flat; Set-Cookie stays one field a cookie.
 *
 * @param isDropped further names to leave out.
 */
export function responseFields(headers: IncomingHttpHeaders, isDropped: NameSet): string[] {
  const listed = connectionListed(headers.connection);
  const fields: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || isHopByHop(name) || isDropped(name) || listed?.(name) === true) continue;
    if (typeof value === "string") fields.push(name, value);
    else for (const one of value) fields.push(name, one);
  }
  return fields;
}

/** A field's value, its repeated lines joined as one list (RFC 9110 §5.3); "" where there is none. */
export function field(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  if (value === undefined) return "";
  return typeof value === "string" ? value : value.join(", ");
}

/** The request comes with a body (RFC 9112 §6.3), or says it does. */
export function carriesBody({ headers }: Pick<IncomingMessage, "headers">): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}

export function isHtml(headers: IncomingHttpHeaders): boolean {
  return /^\s*text\/html\b/i.test(field(headers, "content-type"));
}

/** The answer says that it never changes (RFC 8246). */
export function isImmutable(headers: IncomingHttpHeaders): boolean {
  return /(?:^|[\s,])immutable(?:[\s,]|$)/i.test(field(headers, "cache-control"));
}

export function isEventStream(headers: IncomingHttpHeaders): boolean {
  return /^\s*text\/event-stream\b/i.test(field(headers, "content-type"));
}

/** Keeps the metrics of a Server-Timing field whose names are allowed; "" when none is left. */
export function keepMetrics(serverTiming: string, keep: NameSet): string {
  return serverTiming
    .split(",")
    .map((metric) => metric.trim())
    .filter((metric) => metric !== "" && keep((metric.split(";")[0] ?? "").trim()))
    .join(", ");
}
