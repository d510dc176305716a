/**
 * A small stream of buyers: anonymous people looking at pages, with a buyer's patience.
 */
import http from "node:http";
import { PAGES, PRODUCTS } from "./catalogue.ts";

/** What one buyer got. */
export type Visit = { readonly at: number; readonly path: string; readonly served: boolean; readonly outcome: string; readonly tookMs: number };

/** A buyer who has waited this long has left. */
export const PATIENCE_MS = 3_000;
const EVERY_MS = 250;
const MAX_BODY = 1_000_000;

export type Buyers = { readonly visits: readonly Visit[]; stop(): Promise<void> };

/** Sends one buyer every 250 ms to the next page in turn, whatever became of the ones before. */
export function startBuyers(origin: string): Buyers {
  const visits: Visit[] = [];
  const under_way = new Set<Promise<void>>();
  let next = 0;
  const timer = setInterval(() => {
    const path = PAGES[next++ % PAGES.length] ?? "/";
    const visit = visitPage(origin, path).then((seen) => {
      visits.push(seen);
      under_way.delete(visit);
    });
    under_way.add(visit);
  }, EVERY_MS);
  return {
    visits,
    async stop() {
      clearInterval(timer);
      await Promise.all(under_way);
    },
  };
}

/** One page, judged as a buyer would: the whole page, the right one, in time. */
export function visitPage(origin: string, path: string): Promise<Visit> {
  const at = Date.now();
  const seen = (served: boolean, outcome: string): Visit => ({ at, path, served, outcome, tookMs: Date.now() - at });
  return new Promise((resolve) => {
    const request = http.get(`${origin}${path}`, { agent: false, headers: { accept: "text/html", "user-agent": "Mozilla/5.0 (demo buyer)" } }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        if (body.length < MAX_BODY) body += chunk;
      });
      response.on("end", () => {
        clearTimeout(patience);
        const right = response.statusCode === 200 && body.endsWith("</html>") && body.includes(expectedText(path));
        resolve(seen(right, right ? (String(response.headers["x-cache-status"] ?? "") || "200") : String(response.statusCode)));
      });
      response.on("error", () => resolve(seen(false, "cut off")));
    });
    const patience = setTimeout(() => {
      resolve(seen(false, "no answer"));
      request.destroy();
    }, PATIENCE_MS);
    request.on("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(patience);
      resolve(seen(false, error.code === "ECONNREFUSED" ? "refused" : "cut off"));
    });
  });
}

function expectedText(path: string): string {
  const product = PRODUCTS.find((one) => path === `/products/${one.handle}`);
  return product === undefined ? "Alder Daypack" : `<h1>${product.title}</h1>`;
}
