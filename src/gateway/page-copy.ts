/**
 * Makes a stored copy of a fetched page, or says why not.
 */
import type { IncomingHttpHeaders } from "node:http";
import { isFailureStatus, isThrottleStatus } from "../core/outcome.ts";
import type { CopyMeta } from "../core/copy.ts";
import { nameSet, type NameSet } from "../core/name-set.ts";
import type { GatewayPreset } from "../core/preset.ts";
import type { Instant } from "../core/time.ts";
import type { SharedCopy } from "../ports/copy-store.ts";
import type { Fetched, FillOrder } from "./fetch-page.ts";
import { field, isHtml, keepMetrics, responseFields } from "./headers.ts";
import { compilePageReader } from "./page-body.ts";

export type Made =
  | { readonly kind: "copy"; readonly copy: SharedCopy }
  /** The application failed: no answer worth the name. */
  | { readonly kind: "failed" }
  | { readonly kind: "throttled" }
  | { readonly kind: "gone" }
  /** `good`: the application is well, the page is just none to keep. */
  | { readonly kind: "uncacheable"; readonly good: boolean };

export type MakePage = (order: FillOrder, fetched: Extract<Fetched, { kind: "answered" }>, startedAt: Instant) => Made;

/** Fields of one answer or one visitor, and those the gateway writes itself. */
const NOT_STORED = nameSet(["set-cookie", "age", "date", "content-length", "cache-status", "x-cache-status", "request-id", "trailer", "server-timing", "accept-ranges", "clear-site-data", "nel", "report-to"]);

/** Compiles a preset's rules once. */
export function createPageMaker(preset: GatewayPreset, entryBytes: number): MakePage {
  const read = compilePageReader(preset);
  const kept = nameSet(preset.keepServerTiming);

  return (order, { status, headers, body, tooLarge }, startedAt) => {
    if (isFailureStatus(status)) return { kind: "failed" };
    if (isThrottleStatus(status)) return { kind: "throttled" };
    if (status === 404 || status === 410) return { kind: "gone" };
    if (status !== 200 || !isHtml(headers) || tooLarge || body.length > entryBytes || !mayKeep(headers, VARIES_SAFELY)) return { kind: "uncacheable", good: status === 200 };
    // Several policies all apply (CSP3 §4.1): writing a fresh nonce into one of them would leave the others' scripts blocked.
    if (Array.isArray(headers["content-security-policy"])) return { kind: "uncacheable", good: true };
    const page = read(body, field(headers, "content-security-policy"));
    if (page.kind === "refused") return page.why === "error_page" || page.why === "not_whole" ? { kind: "failed" } : { kind: "uncacheable", good: true };

    const { nonceLength, nonceOffsets, neutraliseAt, buildId } = page;
    const url = order.query === "" ? order.path : `${order.path}?${order.query}`;
    const meta = {
      key: order.key, route: order.route.name, url, status, headers: storedFields(headers, kept, nonceLength > 0), bytes: body.length,
      filledAt: startedAt, ...windows(headers, order.route), nonceLength, nonceOffsets, neutraliseAt, buildId, canonical: order.query === "",
    };
    return { kind: "copy", copy: { meta, body: shared(body) } };
  };
}

/** Vary may name these: they are part of the key, pinned at the fetch, or ignorable by the preset's word. */
const VARIES_SAFELY = nameSet(["", "accept", "accept-encoding", "cookie", "origin", "user-agent"]);

/**
 * The application's own word against keeping (RFC 9111 §5.2.2), a body we could not read, or one that differs by what is not in the key.
 *
 * @param variesSafely what Vary may name.
 */
export function mayKeep(headers: IncomingHttpHeaders, variesSafely: NameSet): boolean {
  const coding = field(headers, "content-encoding").toLowerCase();
  const varies = field(headers, "vary").toLowerCase().split(",").map((name) => name.trim());
  return !FORBIDS.test(directives(headers)) && (coding === "" || coding === "identity") && varies.every(variesSafely);
}

const FORBIDS = /(?:^|[\s,])(?:no-store|private|no-cache)(?:[\s,=]|$)/;
const REVALIDATES = /(?:^|[\s,])(?:must-revalidate|proxy-revalidate|s-maxage)(?:[\s,=]|$)/;

/** Cache-Control, after what is said to shared caches alone (RFC 9213). */
export function directives(headers: IncomingHttpHeaders): string {
  return `${field(headers, "cdn-cache-control")},${field(headers, "cache-control")}`.toLowerCase();
}

/**
 * How long a page may be used: as its route says, unless the application asks for revalidation
 * (`s-maxage` implies it, RFC 9111 §5.2.2.10): then never stale, and fresh for no longer than it says.
 */
function windows(headers: IncomingHttpHeaders, { ttl, staleWhileRevalidate, staleIfError }: FillOrder["route"]): Pick<CopyMeta, "ttl" | "staleWhileRevalidate" | "staleIfError"> {
  const said = directives(headers);
  if (!REVALIDATES.test(said)) return { ttl, staleWhileRevalidate, staleIfError };
  const seconds = /s-maxage\s*=\s*"?(\d+)/.exec(said)?.[1] ?? /max-age\s*=\s*"?(\d+)/.exec(said)?.[1] ?? "0";
  return { ttl: Math.min(ttl, Number(seconds) * 1_000), staleWhileRevalidate: 0, staleIfError: 0 };
}

/** What is kept of the header fields: nothing of one answer or one visitor, and no tag of a body whose nonce changes. */
export function storedFields(headers: IncomingHttpHeaders, kept: NameSet, nonced: boolean): readonly (readonly [string, string])[] {
  const flat = responseFields(headers, (name) => NOT_STORED(name) || (nonced && (name === "etag" || name === "last-modified")));
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) pairs.push([(flat[at] ?? "").toLowerCase(), flat[at + 1] ?? ""]);
  const timing = keepMetrics(field(headers, "server-timing"), kept);
  if (timing !== "") pairs.push(["server-timing", timing]);
  return pairs;
}

/** Copies a body to shared memory of exactly its size. */
export function shared(body: Buffer): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(body.length);
  new Uint8Array(memory).set(body);
  return memory;
}
