/** Reading bounded bodies and writing complete answers. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";

/** Bodies beyond this are refused. */
const MAX_BODY_BYTES = 1_048_576;
/** Answers beyond this are compressed for clients that accept it. */
const GZIP_FROM_BYTES = 1024;

/** @throws {RangeError} when the body is larger than 1 MiB. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new RangeError(`body larger than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Writes the head, and returns the bytes of the body still to be sent: all of them, half, or drop by drop. */
export function writeHead(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  text: string,
  headers: OutgoingHttpHeaders,
): Buffer {
  const plain = Buffer.from(text);
  const zip = plain.length > GZIP_FROM_BYTES && /\bgzip\b/.test(request.headers["accept-encoding"] ?? "");
  const body = zip ? gzipSync(plain, { level: 1 }) : plain;
  const all: OutgoingHttpHeaders = {
    "content-type": "application/json; charset=utf-8",
    vary: "Accept-Encoding",
    ...headers,
    ...(zip && { "content-encoding": "gzip" }),
    "content-length": body.length,
  };
  if (status === 430) response.writeHead(status, "Shopify Security Rejection", all);
  else response.writeHead(status, all);
  return body;
}

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" }).end(`${JSON.stringify(value)}\n`);
}
