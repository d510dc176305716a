/**
 * Sends an answer that is known whole, head and body in one buffer and one write.
 *
 * node:http checks and joins the fields of every head anew, and hands head and body to the system apart: for a
 * page that was checked when it was stored, that is work done again for every buyer (decision 10).
 * The connection, its order of answers and its life stay node:http's: only an answer that is the first in line
 * on a connection to be kept goes this way; all others go through `writeHead`.
 */
import { validateHeaderName, validateHeaderValue, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Instant } from "../core/time.ts";

/** Fields of node:http's response that say its head has left. `headersSent` reads the first. */
type HeadSent = { _header: string | null; _headerSent: boolean };

/**
 * The connection to write the whole answer to; null: it has to go through `writeHead`.
 *
 * That is so for HTTP/1.0, HEAD, connections that are not kept, pipelined answers that wait for their turn,
 * clients that expect `100 Continue`, and heads begun already.
 */
export function wholeAnswerSocket(req: IncomingMessage, res: ServerResponse): Socket | null {
  const { socket } = res;
  if (socket === null || !socket.writable || req.method !== "GET" || req.httpVersionMinor !== 1 || req.httpVersionMajor !== 1) return null;
  if (!res.shouldKeepAlive || res.headersSent || req.headers.expect !== undefined || !hasHeadFields(res)) return null;
  return socket;
}

/**
 * Writes the message and tells node:http that this answer is over, so that the next may follow.
 *
 * @param message status line, fields, empty line and body, framed by its own Content-Length.
 * @param sent called once the system has all of it, or the connection is gone: the message may then be written over.
 */
export function sendWhole(res: ServerResponse, socket: Socket, message: Uint8Array, sent: () => void): void {
  socket.write(message, sent);
  const head = res as unknown as HeadSent;
  // Any head that is not empty, and has left.
  head._header = "sent";
  head._headerSent = true;
  res.end();
}

/** Another Node may keep its heads elsewhere: then nothing is assumed. */
function hasHeadFields(res: ServerResponse): boolean {
  return "_header" in res && "_headerSent" in res && res._header === null && res._headerSent === false;
}

/** Fields as lines of a head. */
export function fieldLines(fields: readonly string[]): string {
  let lines = "";
  for (let at = 0; at + 1 < fields.length; at += 2) lines += `${fields[at]}: ${fields[at + 1]}\r\n`;
  return lines;
}

/** Fields as lines of a head; null where node:http would refuse one of them. */
export function checkedLines(fields: readonly string[]): string | null {
  try {
    for (let at = 0; at + 1 < fields.length; at += 2) {
      const [name = "", value = ""] = [fields[at], fields[at + 1]];
      validateHeaderName(name);
      validateHeaderValue(name, value);
    }
  } catch {
    return null;
  }
  return fieldLines(fields);
}

/** The Date field's value (RFC 9110 §5.6.7), written once a second. */
export function createHttpDate(): (now: Instant) => string {
  let second = Number.NaN;
  let text = "";
  return (now) => {
    const current = Math.floor(now / 1_000);
    if (current !== second) {
      second = current;
      text = new Date(current * 1_000).toUTCString();
    }
    return text;
  };
}
