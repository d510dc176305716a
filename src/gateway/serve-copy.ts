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
  /** Names and values, flat, without the policy where it holds a nonce. */
  readonly fields: readonly string[];
  /** The same as lines of a head, from the status line on; null: some field has to be refused. */
  readonly lines: string | null;
  /** Name and pieces of the policy around its nonces; null: none to replace. */
  readonly policy: { readonly name: string; readonly pieces: readonly string[] } | null;
  readonly etag: string | null;
  /** Instant; NaN: unknown. */
  readonly lastModified: number;
  readonly cacheControl: string | null;
  /** Bytes before the body in a buffer that holds a whole answer. */
  readonly room: number;
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
    const { fields, result } = ownFields(ready, serving, nonce);
    if (!personal && isUnchanged(req.headers, ready)) {
      res.writeHead(304, [...ready.fields, ...fields]);
      res.end();
      return { status: 304, bytes: 0, result };
    }
    const style = serving.neutralise && neutralise !== null && copy.meta.neutraliseAt !== null ? styleTag(neutralise, nonce) : "";
    const length = ready.body.length + style.length;
    fields.push("content-length", String(length));
    const socket = style === "" && ready.lines !== null ? wholeAnswerSocket(req, res) : null;
    if (socket !== null && ready.lines !== null) {
      const head = `${ready.lines}${fieldLines(fields)}date: ${date(clock.wall())}\r\n${KEPT}`;
      const buffer = noncedPage(pool, copy, ready, nonce);
      sendWhole(res, socket, withHead(buffer, ready.room, head), () => pool.give(copy, buffer));
      return { status: 200, bytes: length, result };
    }
    res.writeHead(200, [...ready.fields, ...fields]);
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
const OWN_FIELDS_ROOM = 1_024;

function prepare({ meta, body }: SharedCopy): Prepared {
  const fields: string[] = [];
  let policy: Prepared["policy"] = null;
  let etag: string | null = null;
  let lastModified = Number.NaN;
  let cacheControl: string | null = null;
  let later = 0;
  for (const [name, value] of meta.headers) {
    const nonce = name === "content-security-policy" && meta.nonceLength > 0 ? policyNonce(value) : null;
    if (name === "cache-control") cacheControl = value;
    else if (nonce !== null) policy = { name, pieces: value.split(nonce) };
    else {
      if (name === "etag") etag = value;
      else if (name === "last-modified") lastModified = Date.parse(value);
      fields.push(name, value);
      continue;
    }
    // Checked with the others, written by each serve.
    later += checkedLines([name, value])?.length ?? Number.NaN;
  }
  const checked = Number.isNaN(later) ? null : checkedLines(fields);
  const lines = checked === null ? null : `HTTP/1.1 200 OK\r\n${checked}`;
  return { body: new Uint8Array(body), fields, lines, policy, etag, lastModified, cacheControl, room: lines === null ? 0 : lines.length + later + OWN_FIELDS_ROOM };
}

/** The fields that are this serve's own: policy, Cache-Control, Age, Cache-Status, X-Cache-Status, request-id. */
function ownFields({ policy, cacheControl }: Prepared, serving: Serving, nonce: string): { readonly fields: string[]; readonly result: CacheResult } {
  // A nonce must not outlive one answer, so no cache beyond us may keep a page that has one.
  const control = serving.personal ? "private, no-store" : nonce === "" ? (cacheControl ?? "no-cache") : "no-store";
  const fields = policy === null ? ["cache-control", control] : [policy.name, policy.pieces.join(nonce), "cache-control", control];
  return { fields, result: addStatus(fields, serving) };
}

/** The head goes right before the body, so that both leave as one. */
function withHead(buffer: Buffer, room: number, head: string): Buffer {
  if (head.length > room) return Buffer.concat([Buffer.from(head, "latin1"), buffer.subarray(room)]);
  const from = room - head.length;
  buffer.write(head, from, "latin1");
  return buffer.subarray(from);
}

/** Adds Age, Cache-Status, X-Cache-Status, request-id. */
function addStatus(fields: string[], { age, why, failed, requestId }: Serving): CacheResult {
  const result: CacheResult = why === "revalidate" ? "UPDATING" : age.ttlLeft > 0 ? "HIT" : "STALE";
  const ttl = Math.floor(age.ttlLeft / 1_000);
  const said =
    failed !== null
      ? `shopkeeper; fwd=stale${failed.status > 0 ? `; fwd-status=${failed.status}` : ""}; ttl=${ttl}; detail=${failed.fault.replaceAll("_", "-")}`
      : why === "fresh"
        ? `shopkeeper; hit; ttl=${ttl}`
        : `shopkeeper; hit; ttl=${ttl}; detail=${why}`;
  fields.push("age", String(Math.floor(age.age / 1_000)), "cache-status", said, "x-cache-status", result, "request-id", requestId);
  return result;
}

/** A buffer of our own with the page behind `room` bytes, this answer's nonce in it. */
function noncedPage(pool: BodyPool<SharedCopy>, copy: SharedCopy, { body, room }: Prepared, nonce: string): Buffer {
  const buffer = pool.take(copy) ?? withRoom(body, room);
  writeNonce(buffer, copy.meta.nonceOffsets, room, nonce);
  return buffer;
}

function withRoom(body: Uint8Array, room: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(room + body.length);
  buffer.set(body, room);
  return buffer;
}

/** Longest nonce that is written without a buffer of its own. */
const NONCE_BYTES = Buffer.alloc(256);

function writeNonce(buffer: Buffer, offsets: readonly number[], room: number, nonce: string): void {
  if (offsets.length === 0) return;
  // Bytes set many times cost a fifth of a string written many times.
  const bytes = nonce.length <= NONCE_BYTES.length ? NONCE_BYTES.subarray(0, NONCE_BYTES.write(nonce, "latin1")) : Buffer.from(nonce, "latin1");
  for (const at of offsets) buffer.set(bytes, room + at);
}

function renderNeutralised(source: Uint8Array, { nonceOffsets, neutraliseAt }: CopyMeta, nonce: string, style: string): Buffer {
  const page = withRoom(source, 0);
  writeNonce(page, nonceOffsets, 0, nonce);
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
