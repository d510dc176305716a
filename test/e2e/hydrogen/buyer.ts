/**
 * A buyer: one request on a connection of its own, read to its last byte or to
 * the end of the buyer's patience.
 *
 * What a buyer sees is a closed set, so that a test can say "no answer" and mean
 * it: never an exception, never a redirect followed in silence.
 */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { request as httpRequest } from "node:http";
import { codeOf } from "./build-lock.ts";

/** Bodies are read no further than this; the starter's largest page is 30 kB. */
const MAX_BODY_BYTES = 4_194_304;

const BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36";

export type Seen =
  /** A whole answer. */
  | { readonly kind: "answered"; readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string }
  /** Nobody listens. */
  | { readonly kind: "refused" }
  /** Connected; not one byte within the buyer's patience. */
  | { readonly kind: "silent" }
  /** An answer that began and did not end within the buyer's patience. */
  | { readonly kind: "endless"; readonly status: number; readonly body: string }
  /** The connection was lost before the answer was whole. */
  | { readonly kind: "cut"; readonly status: number | null; readonly body: string; readonly cause: string };

export type Visit = {
  /** The request's `Cookie` header. */
  readonly cookie?: string;
  readonly method?: "GET" | "HEAD" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Where the connection comes from; default: whatever port is free. */
  readonly localPort?: number;
  /** Milliseconds from the request to the last byte; 20,000 by default. */
  readonly patienceMs?: number;
};

/** Asks for `url` as a browser would. Never throws, and always ends: after `patienceMs` at the latest. */
export function visit(url: string, { cookie, method = "GET", headers = {}, body, localPort, patienceMs = 20_000 }: Visit = {}): Promise<Seen> {
  return new Promise((resolve) => {
    let response: IncomingMessage | null = null;
    const chunks: Buffer[] = [];
    const text = (): string => Buffer.concat(chunks).toString();
    const request = httpRequest(url, {
      agent: false,
      method,
      ...(localPort !== undefined && { localPort }),
      headers: { "user-agent": BROWSER, accept: "text/html", ...(cookie !== undefined && { cookie }), ...headers },
    });
    const end = (seen: Seen): void => {
      clearTimeout(patience);
      resolve(seen);
      request.destroy();
    };
    const cut = (cause: string): void => end({ kind: "cut", status: response?.statusCode ?? null, body: text(), cause });
    const patience = setTimeout(() => {
      end(response ? { kind: "endless", status: response.statusCode ?? 0, body: text() } : { kind: "silent" });
    }, patienceMs);

    request.on("error", (error) => (codeOf(error) === "ECONNREFUSED" ? end({ kind: "refused" }) : cut(error.message)));
    request.on("response", (incoming) => {
      response = incoming;
      let bytes = 0;
      incoming.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_BODY_BYTES) cut(`more than ${MAX_BODY_BYTES} bytes`);
        else chunks.push(chunk);
      });
      incoming.on("error", (error) => cut(error.message));
      incoming.on("end", () => end({ kind: "answered", status: incoming.statusCode ?? 0, headers: incoming.headers, body: text() }));
    });
    request.end(body);
  });
}

/** The page React Router's error boundary renders in the starter, whatever its status. */
export function isErrorPage(seen: Seen): boolean {
  return "body" in seen && seen.body.includes('class="route-error"');
}
