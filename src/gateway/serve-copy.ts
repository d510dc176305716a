/**
 * Answers from a stored copy: header fields as stored, a fresh nonce in body and policy,
 * and what RFC 9211 wants said about it.
 *
 * The hottest path of the gateway. What does not change between two serves of one copy is worked
 * out once and kept beside it for as long as the copy itself lives.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { CopyReason } from "../core/answer.ts";
import type { CopyMeta } from "../core/copy.ts";
import type { CopyAge } from "../core/copy-age.ts";
import type { ExchangeFault } from "../core/outcome.ts";
import type { Clock } from "../ports/clock.ts";
import type { SharedCopy } from "../ports/copy-store.ts";
import { createBodyPool, type BodyPool } from "./body-pool.ts";
import { KEEP_ALIVE } from "./keep-alive.ts";
import type { NonceSource } from "./nonce.ts";
import { policyNonce } from "./nonce.ts";
import type { CacheResult } from "./telemetry.ts";
import { checkedLines, createHttpDate, fieldLines, sendWhole, wholeAnswerSocket } from "./whole-answer.ts";

export type Serving = {
  readonly copy: SharedCopy;
  readonly age: CopyAge;
  readonly why: CopyReason;
  /** Why the application's own answer was not used; null: it was not asked. */
  readonly failed: { readonly fault: ExchangeFault; readonly status: number } | null;
  readonly neutralise: boolean;
  /** The buyer's answers must not be shared. */
  readonly personal: boolean;
  readonly requestId: string;
};

export type Served = { readonly status: 200 | 304; readonly bytes: number; readonly result: CacheResult };

export type ServeCopy = (req: IncomingMessage, res: ServerResponse, serving: Serving) => Served;

/** What stays the same for all serves of one copy. */
type Prepared = {
  readonly body: Uint8Array;
  /** Names and values, flat, without Cache-Control and the policy where it holds a nonce. */
  readonly fields: readonly string[];
  /** Name and pieces of the policy around its nonces; null: none to replace. */
  readonly policy: { readonly name: string; readonly pieces: readonly string[] } | null;
  /** Who may keep this answer, as long as it is not one buyer's alone. */
  readonly cacheControl: string;
  readonly etag: string | null;
  /** Instant; NaN: unknown. */
  readonly lastModified: number;
  /** The end of every head, from behind the serve's own lines to the empty line; empty: some field has to be refused. */
  readonly headEnd: Buffer;
  /** Bytes before the body in a buffer that holds a whole answer. */
  readonly room: number;
  /** Where nonces go in such a buffer, in head and body. */
  readonly nonceOffsets: readonly number[];
};

/** Bytes of bodies kept for the next answer. */
const POOL_BYTES = 8 * 1024 * 1024;

/** @param neutralise the preset's style for buyers with a cart; null: none, `Serving.neutralise` is then ignored. */
export function createServeCopy(nonces: NonceSource, clock: Pick<Clock, "wall">, neutralise: string | null): ServeCopy {
  const pool = createBodyPool<SharedCopy>(POOL_BYTES);
  const known = new WeakMap<SharedCopy, Prepared>();
  const date = createHttpDate();
  const prepared = (copy: SharedCopy): Prepared => {
    let found = known.get(copy);
    if (found === undefined) {
      found = prepare(copy);
      known.set(copy, found);
    }
    return found;
  };

  return (req, res, serving) => {
    const { copy, personal } = serving;
    const ready = prepared(copy);
    const nonce = copy.meta.nonceLength > 0 ? nonces.next(copy.meta.nonceLength) : "";
    const { fields: status, result } = statusFields(serving);
    if (!personal && isUnchanged(req.headers, ready)) {
      res.writeHead(304, headFields(ready, personal, nonce, status));
      res.end();
      return { status: 304, bytes: 0, result };
    }
    const style = serving.neutralise && neutralise !== null && copy.meta.neutraliseAt !== null ? styleTag(neutralise, nonce) : "";
    const length = ready.body.length + style.length;
    const socket = style === "" && !personal && ready.headEnd.length > 0 ? wholeAnswerSocket(req, res) : null;
    if (socket !== null) {
      const buffer = noncedPage(pool, copy, ready, nonce);
      const begin = `HTTP/1.1 200 OK\r\n${fieldLines(status)}date: ${date(clock.wall())}\r\n`;
      sendWhole(res, socket, withBegin(buffer, ready, begin), () => pool.give(copy, buffer));
      return { status: 200, bytes: length, result };
    }
    res.writeHead(200, [...headFields(ready, personal, nonce, status), "content-length", String(length)]);
    if (req.method === "HEAD") {
      res.end();
      return { status: 200, bytes: 0, result };
    }
    if (style !== "") res.end(renderNeutralised(ready.body, copy.meta, nonce, style));
    else {
      const buffer = noncedPage(pool, copy, ready, nonce);
      // Called once the last byte is with the system, not before.
      res.end(buffer.subarray(ready.room), () => pool.give(copy, buffer));
    }
    return { status: 200, bytes: length, result };
  };
}

const KEPT = `connection: keep-alive\r\nkeep-alive: timeout=${KEEP_ALIVE / 1_000}\r\n\r\n`;

/** Bytes kept for the fields that differ from serve to serve. */
const OWN_FIELDS_ROOM = 512;

function prepare({ meta, body }: SharedCopy): Prepared {
  const fields: string[] = [];
  let policy: Prepared["policy"] = null;
  let etag: string | null = null;
  let lastModified = Number.NaN;
  let said: string | null = null;
  for (const [name, value] of meta.headers) {
    const nonce = name === "content-security-policy" && meta.nonceLength > 0 ? policyNonce(value) : null;
    if (name === "cache-control") said = value;
    else if (nonce !== null) policy = { name, pieces: value.split(nonce) };
    else {
      if (name === "etag") etag = value;
      else if (name === "last-modified") lastModified = Date.parse(value);
      fields.push(name, value);
    }
  }
  // A nonce must not outlive one answer, so no cache beyond us may keep a page that has one.
  const cacheControl = meta.nonceLength > 0 ? "no-store" : (said ?? "no-cache");
  const { headEnd, nonceOffsets } = endOfHead([...fields, "cache-control", cacheControl, "content-length", String(body.byteLength)], policy, meta.nonceLength);
  const room = OWN_FIELDS_ROOM + headEnd.length;
  const offsets = [...nonceOffsets.map((at) => OWN_FIELDS_ROOM + at), ...meta.nonceOffsets.map((at) => room + at)];
  return { body: new Uint8Array(body), fields, policy, cacheControl, etag, lastModified, headEnd, room, nonceOffsets: offsets };
}

/** Lines of a head that are the same for every serve but for their nonces, and where those go. */
function endOfHead(fields: readonly string[], policy: Prepared["policy"], nonceLength: number): { readonly headEnd: Buffer; readonly nonceOffsets: readonly number[] } {
  const blank = "-".repeat(nonceLength);
  const policyLine = policy === null ? "" : checkedLines([policy.name, policy.pieces.join(blank)]);
  const lines = checkedLines(fields);
  if (policyLine === null || lines === null) return { headEnd: Buffer.alloc(0), nonceOffsets: [] };
  const nonceOffsets: number[] = [];
  let at = policy === null ? 0 : policy.name.length + ": ".length;
  for (const piece of policy?.pieces.slice(0, -1) ?? []) {
    at += piece.length;
    nonceOffsets.push(at);
    at += nonceLength;
  }
  return { headEnd: Buffer.from(`${policyLine}${lines}${KEPT}`, "latin1"), nonceOffsets };
}

/** All fields of a head that node:http puts together. */
function headFields({ fields, policy, cacheControl }: Prepared, personal: boolean, nonce: string, status: readonly string[]): string[] {
  const own = policy === null ? [] : [policy.name, policy.pieces.join(nonce)];
  return [...fields, ...own, "cache-control", personal ? "private, no-store" : cacheControl, ...status];
}

/** The serve's own lines go right before the others, so that all leave as one. */
function withBegin(buffer: Buffer, { room, headEnd }: Prepared, begin: string): Buffer {
  const end = room - headEnd.length;
  if (begin.length > end) return Buffer.concat([Buffer.from(begin, "latin1"), buffer.subarray(end)]);
  buffer.write(begin, end - begin.length, "latin1");
  return buffer.subarray(end - begin.length);
}

/** The fields that are each serve's own: Age, Cache-Status, X-Cache-Status, request-id. */
function statusFields({ age, why, failed, requestId }: Serving): { readonly fields: readonly string[]; readonly result: CacheResult } {
  const result: CacheResult = why === "revalidate" ? "UPDATING" : age.ttlLeft > 0 ? "HIT" : "STALE";
  const ttl = Math.floor(age.ttlLeft / 1_000);
  const said =
    failed !== null
      ? `shopkeeper; fwd=stale${failed.status > 0 ? `; fwd-status=${failed.status}` : ""}; ttl=${ttl}; detail=${failed.fault.replaceAll("_", "-")}`
      : why === "fresh"
        ? `shopkeeper; hit; ttl=${ttl}`
        : `shopkeeper; hit; ttl=${ttl}; detail=${why}`;
  return { fields: ["age", String(Math.floor(age.age / 1_000)), "cache-status", said, "x-cache-status", result, "request-id", requestId], result };
}

/** A buffer of our own with the page behind `room` bytes and the end of its head before it, this answer's nonce in both. */
function noncedPage(pool: BodyPool<SharedCopy>, copy: SharedCopy, { body, headEnd, room, nonceOffsets }: Prepared, nonce: string): Buffer {
  let buffer = pool.take(copy);
  if (buffer === null) {
    buffer = withRoom(body, room);
    buffer.set(headEnd, room - headEnd.length);
  }
  writeNonce(buffer, nonceOffsets, nonce);
  return buffer;
}

function withRoom(body: Uint8Array, room: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(room + body.length);
  buffer.set(body, room);
  return buffer;
}

/** Longest nonce that is written without a buffer of its own. */
const NONCE_BYTES = Buffer.alloc(256);

function writeNonce(buffer: Buffer, offsets: readonly number[], nonce: string): void {
  if (offsets.length === 0) return;
  // Bytes set many times cost a fifth of a string written many times.
  const bytes = nonce.length <= NONCE_BYTES.length ? NONCE_BYTES.subarray(0, NONCE_BYTES.write(nonce, "latin1")) : Buffer.from(nonce, "latin1");
  for (const at of offsets) buffer.set(bytes, at);
}

function renderNeutralised(source: Uint8Array, { nonceOffsets, neutraliseAt }: CopyMeta, nonce: string, style: string): Buffer {
  const page = withRoom(source, 0);
  writeNonce(page, nonceOffsets, nonce);
  const at = neutraliseAt ?? 0;
  return Buffer.concat([page.subarray(0, at), Buffer.from(style, "latin1"), page.subarray(at)]);
}

/** ASCII only, so that its length in characters is its length in bytes. */
function styleTag(css: string, nonce: string): string {
  return nonce === "" ? `<style>${css}</style>` : `<style nonce="${nonce}">${css}</style>`;
}

/** The buyer has it already. If-None-Match goes before If-Modified-Since (RFC 9110 §13.2.2); an unknown date is never that old. */
function isUnchanged(asked: IncomingHttpHeaders, { etag, lastModified }: Prepared): boolean {
  const tags = asked["if-none-match"];
  if (tags !== undefined) return etag !== null && matches(tags, etag);
  const since = asked["if-modified-since"];
  return since !== undefined && Date.parse(since) >= lastModified;
}

/** If-None-Match against a stored tag, weakly (RFC 9110 §13.1.2). */
function matches(header: string, etag: string): boolean {
  const plain = etag.replace(/^W\//, "");
  return header.trim() === "*" || header.split(",").some((one) => one.trim().replace(/^W\//, "") === plain);
}
