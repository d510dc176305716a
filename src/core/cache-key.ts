/**
 * What makes two requests the same, and which spellings of a target are refused.
 */
import { nameSet, type NameSet } from "./name-set.ts";

/** A request target taken apart. */
export type Target =
  /** `path` has unreserved characters decoded (RFC 3986 §6.2.2.2), so that `/%63art` is `/cart`. */
  | { readonly kind: "ok"; readonly path: string; readonly query: string; /** A spelling that two parsers may read differently; never cached. */ readonly dubious: boolean }
  | { readonly kind: "bad"; readonly why: "not_origin_form" | "control" | "too_long" };

/** Longest request target read, in characters. */
export const MAX_TARGET = 8_192;

/**
 * Takes a request target apart.
 *
 * Absolute-form and asterisk-form (RFC 9112 §3.2) are bad: this is an origin's front, not a
 * forward proxy. Empty segments, dot segments, backslashes and encoded delimiters
 * (`%2f %5c %2e %3f %23 %25 %00`…) are dubious. Never throws.
 */
export function readTarget(raw: string): Target {
  if (!raw.startsWith("/")) return { kind: "bad", why: "not_origin_form" };
  if (raw.length > MAX_TARGET) return { kind: "bad", why: "too_long" };
  if (hasControl(raw)) return { kind: "bad", why: "control" };
  const mark = raw.indexOf("?");
  const rawPath = mark === -1 ? raw : raw.slice(0, mark);
  const query = mark === -1 ? "" : raw.slice(mark + 1);
  const path = rawPath.includes("%") ? decodeUnreserved(rawPath) : rawPath;
  return { kind: "ok", path, query, dubious: isDubious(path) };
}

function hasControl(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code <= 0x20 || code === 0x7f || code > 0xff) return true;
  }
  return false;
}

const ESCAPE = /%([0-9a-f]{2})/gi;
const UNRESERVED = /^[A-Za-z0-9\-._~]$/;

function decodeUnreserved(path: string): string {
  return path.replaceAll(ESCAPE, (escape, hex: string) => {
    const char = String.fromCharCode(Number.parseInt(hex, 16));
    return UNRESERVED.test(char) ? char : escape.toUpperCase();
  });
}

/** After decoding, a percent sign that begins no escape, or one of a delimiter, is dubious; so are dot segments written in any way. */
function isDubious(path: string): boolean {
  if (path.includes("//") || path.includes("\\") || path.includes("#") || path.includes(";")) return true;
  if (path.includes("/.") && /\/\.{1,2}(?:\/|$)/.test(path)) return true;
  if (!path.includes("%")) return false;
  return /%(?![0-9A-F]{2})|%(?:2F|5C|3F|23|25|3B|0[0-9A-F]|1[0-9A-F]|7F)/.test(path);
}

/** A query reduced to what the application should see and what the key holds. */
export type Query = {
  /** To forward: original order and spelling, without what was dropped; no "?". */
  readonly forward: string;
  /** For the key: sorted. */
  readonly key: string;
};

const NO_QUERY: Query = { forward: "", key: "" };

/** Most parameters a keyed query may have; a request with more has no key. */
export const MAX_PARAMETERS = 32;

export type ReduceQuery = (query: string) => Query | null;

/**
 * Compiles the rules of a page route: parameters of `drop` always go, of the others only those
 * of `keep` stay ("*": all). Null: too many parameters to be a page's address.
 */
export function compileQuery(keep: readonly string[], drop: readonly string[]): ReduceQuery {
  const kept = nameSet(keep);
  const dropped = nameSet(drop);
  return (query) => {
    if (query === "") return NO_QUERY;
    const parts = query.split("&").filter((part) => part !== "" && keeps(part, kept, dropped));
    if (parts.length > MAX_PARAMETERS) return null;
    return { forward: parts.join("&"), key: parts.length < 2 ? parts.join("") : [...parts].sort().join("&") };
  };
}

/** Removes only dropped parameters, in order: for routes that are passed through. */
export function dropParameters(query: string, dropped: NameSet): string {
  if (query === "") return query;
  return query
    .split("&")
    .filter((part) => !dropped(parameterName(part)))
    .join("&");
}

function keeps(part: string, kept: NameSet, dropped: NameSet): boolean {
  const name = parameterName(part);
  return !dropped(name) && kept(name);
}

function parameterName(part: string): string {
  const equals = part.indexOf("=");
  const name = (equals === -1 ? part : part.slice(0, equals)).replaceAll("+", " ");
  if (!name.includes("%")) return name;
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** User agents a framework renders differently for. */
export type AgentClass = "browser" | "bot";

export type KeyParts = {
  readonly scheme: "http" | "https";
  /** Lower case, with the port if there was one. */
  readonly host: string;
  readonly agent: AgentClass;
  /** "" where the path or the host says it. */
  readonly market: string;
  /** Content coding of the stored body. */
  readonly encoding: "identity";
  readonly path: string;
  /** Sorted. */
  readonly query: string;
};

/** Two requests with one key get one page. The parts cannot be confused: none but the last two may hold a "|". */
export function cacheKey(parts: KeyParts): string {
  const { scheme, host, agent, market, encoding, path, query } = parts;
  return `${scheme}|${host}|${agent}|${market}|${encoding}|${path}${query === "" ? "" : `?${query}`}`;
}

/** The key of a file that is the same for all agents. Only those asked for without a query have one. */
export function assetKey(scheme: KeyParts["scheme"], host: string, path: string): string {
  return cacheKey({ scheme, host, agent: "browser", market: "", encoding: "identity", path, query: "" });
}

const HOST = /^(?:[a-z0-9](?:[a-z0-9.-]{0,252})|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/;

/** A Host header in the one spelling keys use; null where it is none (RFC 9110 §7.2). */
export function readHost(header: string | undefined): string | null {
  if (header === undefined) return null;
  const host = header.toLowerCase();
  return HOST.test(host) ? host : null;
}
