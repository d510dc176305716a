/**
 * Makes a stored copy of an asset: a file whose name holds a hash of its content, so that what it was it will always be.
 *
 * Kept are only whole files that say so themselves (`immutable`, RFC 8246), that are nobody's in particular, and that
 * are no page: an application that answers a missing file with a page of its own must not have that page kept.
 */
import type { IncomingHttpHeaders } from "node:http";
import { readTarget } from "../core/cache-key.ts";
import { nameSet } from "../core/name-set.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { SharedCopy } from "../ports/copy-store.ts";
import type { Fetched, FillOrder } from "./fetch-page.ts";
import { field, isHtml, isImmutable } from "./headers.ts";
import { directives, mayKeep, shared, storedFields } from "./page-copy.ts";

/** Vary may name this: our own fetch asks for no coding. */
const VARIES_SAFELY = nameSet(["", "accept-encoding"]);
const NO_METRICS = nameSet([]);

/**
 * @param entryBytes largest file kept.
 * @returns null: it is none to keep.
 */
export function makeAsset(order: FillOrder, { status, headers, body, tooLarge }: Extract<Fetched, { kind: "answered" }>, startedAt: Instant, entryBytes: number): SharedCopy | null {
  if (status !== 200 || isHtml(headers) || tooLarge || body.length > entryBytes || !isWhole(headers, body)) return null;
  if (!isImmutable(headers) || headers["set-cookie"] !== undefined || !mayKeep(headers, VARIES_SAFELY)) return null;
  const { route, key, path } = order;
  const ttl = Math.min(route.ttl, lifetime(headers));
  if (ttl === 0) return null;
  const meta = {
    key, route: route.name, url: path, status, headers: storedFields(headers, NO_METRICS, false), bytes: body.length,
    filledAt: startedAt, ttl, staleWhileRevalidate: route.staleWhileRevalidate, staleIfError: route.staleIfError,
    nonceLength: 0, nonceOffsets: [], neutraliseAt: null, buildId: "",
    // Beside the variants: however many assets are asked for, they evict no page of the catalogue.
    canonical: false,
  };
  return { meta, body: shared(body) };
}

/** A body that ends with its connection and says no length may have been cut anywhere (RFC 9112 §8). */
function isWhole(headers: IncomingHttpHeaders, body: Buffer): boolean {
  const length = field(headers, "content-length");
  return length === "" ? /\bchunked\b/i.test(field(headers, "transfer-encoding")) : Number(length) === body.length;
}

/** How long the application lets it be used; without a word of that, for ever. */
function lifetime(headers: IncomingHttpHeaders): Ms {
  const said = directives(headers);
  const seconds = /s-maxage\s*=\s*"?(\d+)/.exec(said)?.[1] ?? /max-age\s*=\s*"?(\d+)/.exec(said)?.[1];
  return seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) * 1_000;
}

/** Most assets fetched for one page. */
const MOST_OF_A_PAGE = 64;

/** Addresses on the page's own host, without query, that it links or loads: `href="/…"`, `src="/…"`. */
const LINKED = /\s(?:href|src)\s*=\s*(?:"(\/[^/"?#&\s][^"?#&\s]*)"|'(\/[^/'?#&\s][^'?#&\s]*)')/gi;

/** Paths a page links or loads that look like files, each once, in the page's order. The caller knows which are assets. */
export function* assetsIn(body: Buffer): Generator<string> {
  const seen = new Set<string>();
  for (const [, double, single] of body.toString("latin1").matchAll(LINKED)) {
    const path = double ?? single ?? "";
    const target = readTarget(path);
    if (target.kind === "bad" || target.dubious || seen.has(target.path) || !/\.[A-Za-z0-9]+$/.test(path)) continue;
    seen.add(target.path);
    yield target.path;
    if (seen.size >= MOST_OF_A_PAGE) return;
  }
}
