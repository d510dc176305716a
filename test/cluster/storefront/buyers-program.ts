/**
 * Buyers, in a process of their own: `node buyers-program.ts URL MILLISECONDS PAGES FIRST_PORT`.
 *
 * One comes each so many milliseconds whether or not those before have been answered, on a connection of his
 * own, without a cookie, to the next of the pages (JSON: text that only the right page has, by path). What each
 * saw is a line of JSON on standard output. Ends with its standard input.
 *
 * Each comes from the next of 5,000 ports, since all come from one address: the kernel remembers for two minutes
 * to which pod a port's connection went, and who takes the port of one that went to a dead pod goes there too.
 */
import { howServed, wrongWith } from "../../e2e/hydrogen/buyers.ts";
import { visit, type Seen } from "../../e2e/hydrogen/buyer.ts";
import type { Fetched } from "./tally.ts";

/** From the request to the page's last byte. */
const PATIENCE_MS = 5_000;
const MOST_TRIES = 10;
/** How often it is looked whether somebody is due. */
const BEAT_MS = 5;

const PORTS = 5_000;

const [url = "", everyMs = "50", pagesText = "{}", firstPort = "22000"] = process.argv.slice(2);
const pages = Object.entries(JSON.parse(pagesText) as Readonly<Record<string, string>>);
const begun = performance.now();
let sent = 0;
let connections = 0;

/** Somebody on this machine may have a port of ours: then the next one does. */
async function visitFromNextPort(path: string): Promise<Seen> {
  for (let tries = 0; ; tries += 1) {
    const localPort = Number(firstPort) + (connections++ % PORTS);
    const seen = await visit(url + path, { patienceMs: PATIENCE_MS, localPort });
    if (tries > MOST_TRIES || seen.kind !== "cut" || !seen.cause.includes("EADDRINUSE")) return seen;
  }
}

async function one(path: string, text: string): Promise<void> {
  const at = Date.now();
  const from = performance.now();
  const seen = await visitFromNextPort(path);
  const line: Fetched = { at, path, tookMs: Math.round(performance.now() - from), wrong: wrongWith(seen, text, false), by: howServed(seen) };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

setInterval(() => {
  const due = Math.floor((performance.now() - begun) / Number(everyMs));
  for (; sent < due; sent += 1) {
    const [path = "/", text = ""] = pages[sent % pages.length] ?? [];
    void one(path, text);
  }
}, BEAT_MS);
process.stdin.on("end", () => process.exit(0)).resume();
