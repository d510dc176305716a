/**
 * Buyers: one fetches a page each 100 ms, each over a connection of its own, whether or not the one before was served.
 * They find the shop through a caching resolver and keep its answer for as long as it says, as a browser would.
 */
import { Resolver } from "node:dns/promises";
import http from "node:http";
import { ORIGIN_HEADER } from "./edge.ts";

export const EVERY_MS = 100;
/** A buyer who waits longer has not been served. */
const PATIENCE_MS = 5_000;
const ASK_MS = 1_000;
/** The newest fetches kept. */
const MAX_KEPT = 20_000;

export const PAGES = ["/", "/products/one", "/products/two"] as const;
const CONTENT = "<h1>Open</h1>";

export type Fetch = {
  readonly askedAt: number;
  readonly doneAt: number;
  readonly page: string;
  /** Address of the region that was asked in the end; "" where the name was not found. */
  readonly origin: string;
  /** The whole right page with status 200. */
  readonly good: boolean;
  /** What came instead; "" for a good one. */
  readonly why: string;
};

export type Buyers = {
  /** Those that have ended, oldest first. */
  readonly fetches: readonly Fetch[];
  forget(): void;
  stop(): Promise<void>;
};

export type Shop = {
  readonly name: string;
  readonly port: number;
  readonly resolverPort: number;
  /** The address that they come from. */
  readonly from: string;
};

export function startBuyers(shop: Shop): Buyers {
  const fetches: Fetch[] = [];
  const under = new Set<Promise<void>>();
  const find = finder(shop);
  let asked = 0;
  const beat = setInterval(() => {
    const page = PAGES[asked++ % PAGES.length] ?? "/";
    const one = visit(shop, find, page).then((fetch) => {
      fetches.push(fetch);
      if (fetches.length > MAX_KEPT) fetches.shift();
      under.delete(one);
    });
    under.add(one);
  }, EVERY_MS);
  return {
    fetches,
    forget: () => void (fetches.length = 0),
    stop: async () => {
      clearInterval(beat);
      await Promise.all(under);
    },
  };
}

/** The address now; "" while the name is not found. One question at a time, its answer kept for its TTL. */
function finder({ name, resolverPort }: Shop): () => Promise<string> {
  const resolver = new Resolver({ timeout: ASK_MS, tries: 1 });
  resolver.setServers([`127.0.0.1:${resolverPort}`]);
  let known = { address: "", until: 0 };
  let asking: Promise<string> | null = null;
  const ask = async (): Promise<string> => {
    try {
      const [first] = await resolver.resolve4(name, { ttl: true });
      if (first !== undefined) known = { address: first.address, until: performance.now() + first.ttl * 1_000 };
    } catch {
      known = { address: "", until: 0 };
    }
    asking = null;
    return known.address;
  };
  return async () => (performance.now() < known.until ? known.address : await (asking ??= ask()));
}

async function visit(shop: Shop, find: () => Promise<string>, page: string): Promise<Fetch> {
  const askedAt = performance.now();
  const address = await find();
  const { origin, why } = address === "" ? { origin: "", why: "the name was not found" } : await fetchPage(address, shop, page);
  return { askedAt, doneAt: performance.now(), page, origin, good: why === "", why };
}

function fetchPage(host: string, { name, port, from }: Shop, path: string): Promise<{ readonly origin: string; readonly why: string }> {
  return new Promise((resolve) => {
    const request = http.get({ host, port, path, localAddress: from, headers: { host: name, accept: "text/html" }, agent: false }, (answer) => {
      const origin = String(answer.headers[ORIGIN_HEADER] ?? host);
      let body = "";
      answer.setEncoding("utf8");
      answer.on("data", (text: string) => void (body += text));
      answer.on("error", (error: Error) => resolve({ origin, why: error.message }));
      answer.on("end", () => resolve({ origin, why: answer.statusCode === 200 && body.includes(CONTENT) ? "" : `status ${answer.statusCode}` }));
    });
    const late = setTimeout(() => request.destroy(new Error("no answer in time")), PATIENCE_MS);
    request.on("close", () => clearTimeout(late));
    request.on("error", (error) => resolve({ origin: host, why: error.message }));
  });
}
