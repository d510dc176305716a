/**
 * A provider's edge before the proxied name: fetches each page from where the name leads, and learns of a change after an
 * assumed delay, as a real one's many places do.
 */
import { once } from "node:events";
import http from "node:http";
import type { Address } from "./network.ts";

/** A fetch from the origin that takes longer is given up, with the edge's own page. */
const ORIGIN_MS = 4_000;
/** The address that a page was fetched from. */
export const ORIGIN_HEADER = "x-edge-origin";

export type Edge = {
  /** From `delayMs` on it fetches from there. */
  lead(origin: string): void;
  stop(): Promise<void>;
};

/** @param find where the edge finds an origin's address; null: nowhere. */
export async function startEdge(at: Address, delayMs: number, find: (origin: string) => Address | null): Promise<Edge> {
  let leadsTo = "";
  const timers = new Set<NodeJS.Timeout>();
  const server = http.createServer((request, response) => {
    const origin = leadsTo;
    const found = find(origin);
    const fail = (status: number): void => {
      if (response.headersSent) return void response.destroy();
      response.writeHead(status, { "content-type": "text/html", [ORIGIN_HEADER]: origin }).end("<html><body>the edge cannot reach the origin</body></html>");
    };
    if (found === null) return fail(530);
    const onward = http.request({ ...found, localAddress: at.host, method: request.method, path: request.url, headers: request.headers, agent: false, timeout: ORIGIN_MS }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, { ...answer.headers, [ORIGIN_HEADER]: origin });
      answer.pipe(response);
      answer.on("error", () => response.destroy());
    });
    onward.on("timeout", () => onward.destroy(new Error("the origin is silent")));
    onward.on("error", () => fail(522));
    response.once("close", () => onward.destroy());
    request.pipe(onward);
  });
  server.listen(at.port, at.host);
  await once(server, "listening");
  return {
    lead: (origin) => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        leadsTo = origin;
      }, leadsTo === "" ? 0 : delayMs);
      timers.add(timer);
    },
    stop: async () => {
      for (const timer of timers) clearTimeout(timer);
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
