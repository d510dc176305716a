/**
 * A stream of buyers, and what each of them saw.
 *
 * Buyers come at a steady pace whether or not the one before has been answered, as they
 * do in a shop. Each is judged as a person would judge: the right page, whole, in time.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Seen, Visit } from "./buyer.ts";
import { isErrorPage, visit } from "./buyer.ts";

/** Paths of pages, and a text that only the right page has. */
export type Pages = Readonly<Record<string, string>>;

export type Stream = {
  /** Ends the stream, and waits for those still being served. */
  readonly stop: () => Promise<Tally>;
  readonly tally: Tally;
};

/** What came of the visits so far. */
export type Tally = {
  visits: number;
  /** The right page, whole, with status 200. */
  good: number;
  /** Everything else: when (seconds from the start), where, and what came instead. The first 50. */
  readonly bad: string[];
  /** Answers by the gateway's `X-Cache-Status` and the `detail` of its `Cache-Status`. */
  readonly by: Record<string, number>;
  /** What a served copy must not be: somebody's, or without a nonce of its own. */
  readonly leaks: string[];
};

export type StreamOptions = {
  readonly pages: Pages;
  /** Cookies beside those of analytics, which every buyer has. */
  readonly cookie?: string;
  /** Milliseconds between buyers. */
  readonly everyMs: number;
  /** A refusal with `Retry-After` is a right answer too. */
  readonly mayRefuse?: boolean;
};

/** A page must be whole within this: the gateway's own deadline for a page is 5 s. */
const PATIENCE_MS = 9_000;
/** In the analytics cookies of every buyer: must never be in a copy another one gets. */
const VISITOR = "visitor-of-this-test-";

export function startBuyers(url: string, options: StreamOptions): Stream {
  const stopping = new AbortController();
  const tally: Tally = { visits: 0, good: 0, bad: [], by: {}, leaks: [] };
  const nonces = new Set<string>();
  const begun = performance.now();
  const waiting = new Set<Promise<void>>();

  const one = async (path: string): Promise<void> => {
    const identity = VISITOR + randomBytes(8).toString("hex");
    const cookie = [`_shopify_y=${identity}`, `_ga=${identity}`, ...(options.cookie === undefined ? [] : [options.cookie])].join("; ");
    const at = performance.now();
    const seen = await visit(url + path, { cookie, patienceMs: PATIENCE_MS });
    const wrong = wrongWith(seen, options.pages[path] ?? "", options.mayRefuse ?? false);
    tally.visits += 1;
    const by = howServed(seen);
    tally.by[by] = (tally.by[by] ?? 0) + 1;
    if (wrong === null) tally.good += 1;
    else if (tally.bad.length < 50) tally.bad.push(`${((at - begun) / 1_000).toFixed(1)} s: ${path}: ${wrong} (${by})`);
    if (isCopy(seen)) tally.leaks.push(...leaksIn(seen, nonces).map((leak) => `${path}: ${leak}`));
  };
  const run = async (): Promise<void> => {
    const paths = Object.keys(options.pages);
    for (let turn = 0; !stopping.signal.aborted; turn += 1) {
      const served = one(paths[turn % paths.length] ?? "/");
      waiting.add(served);
      void served.finally(() => waiting.delete(served));
      await pause(options.everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const running = run();
  return {
    tally,
    stop: async () => {
      stopping.abort();
      await running;
      await Promise.all(waiting);
      return tally;
    },
  };
}

/** One visit to each page, in turn; what was wrong with each. */
export async function look(url: string, pages: Pages, options: Visit = {}): Promise<readonly string[]> {
  const wrongs: string[] = [];
  for (const [path, text] of Object.entries(pages)) {
    const wrong = wrongWith(await visit(url + path, options), text, false);
    if (wrong !== null) wrongs.push(`${path}: ${wrong}`);
  }
  return wrongs;
}

/** What is wrong with an answer, in a buyer's eyes; null: nothing. */
export function wrongWith(seen: Seen, text: string, mayRefuse: boolean): string | null {
  if (seen.kind !== "answered") return "status" in seen ? `${seen.kind} after status ${seen.status}` : seen.kind;
  if (mayRefuse && seen.status === 503) return Number(seen.headers["retry-after"]) > 0 ? null : "503 without Retry-After";
  if (seen.status !== 200) return `status ${seen.status}`;
  if (isErrorPage(seen)) return "an error page with status 200";
  if (!seen.body.includes("</html>") || !seen.body.includes("streamController.close()")) return "a page that is not whole";
  return seen.body.includes(text) ? null : `a page without ${JSON.stringify(text)}`;
}

/** `HIT`, `STALE breaker-open`, `EXPIRED` … or how there was no answer. */
export function howServed(seen: Seen): string {
  if (seen.kind !== "answered") return seen.kind;
  const detail = /detail=([\w-]+)/.exec(String(seen.headers["cache-status"] ?? ""))?.[1];
  return [seen.headers["x-cache-status"] ?? "no X-Cache-Status", detail].filter(Boolean).join(" ");
}

type Answered = Extract<Seen, { kind: "answered" }>;

export function isCopy(seen: Seen): seen is Answered {
  return seen.kind === "answered" && ["HIT", "STALE", "UPDATING"].includes(String(seen.headers["x-cache-status"]));
}

/** Anything of a visitor in a served copy, and nonces that are missing, mixed or used before. */
function leaksIn({ headers, body }: Answered, nonces: Set<string>): readonly string[] {
  const leaks: string[] = [];
  if (headers["set-cookie"] !== undefined) leaks.push("Set-Cookie");
  const timing = String(headers["server-timing"] ?? "");
  if (/(?:^|[\s,])(?:_y|_s|_cmp);/.test(timing)) leaks.push(`Server-Timing: ${timing}`);
  if (JSON.stringify(headers).includes(VISITOR) || body.includes(VISITOR) || body.includes("_shopify_y")) leaks.push("a visitor's identity");

  const policy = String(headers["content-security-policy"] ?? "");
  const inHeader = new Set([...policy.matchAll(/'nonce-([^']+)'/g)].map((match) => match[1] ?? ""));
  const inBody = new Set([...body.matchAll(/<[^<>]* nonce="([^"]*)"/g)].map((match) => match[1] ?? ""));
  const [nonce = ""] = inHeader;
  if (inHeader.size !== 1 || inBody.size !== 1 || !inBody.has(nonce)) leaks.push(`nonces differ: header ${[...inHeader].join(",")}, body ${[...inBody].join(",")}`);
  if (nonces.has(nonce)) leaks.push(`nonce ${nonce} served twice`);
  nonces.add(nonce);
  return leaks;
}
