/** A stream of buyers at one address, and what they saw so far. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Fetched } from "./tally.ts";

/** Pages of the shop, and what only they have. */
export const PAGES = { "/": "Recommended Products", "/products/alder-daypack": "<h1>Alder Daypack</h1>", "/collections/everything": "<h1>Everything</h1>" } as const;
/** Twenty a second. */
export const EVERY_MS = 50;
/** An hour of them and more. */
const MOST_KEPT = 100_000;

export type Buyers = AsyncDisposable & {
  /** In the order in which they were answered. */
  readonly fetched: readonly Fetched[];
  /** How many were answered of those who asked at that time or later. */
  readonly since: (from: number) => number;
};

/** Of the ports that connections come from: below those that the kernel gives out, and 5,000 for each stream. */
const FIRST_PORT = 22_000;
const PORTS_EACH = 5_000;

/** @param stream 0 or 1: no two streams of one number at a time. */
export async function startBuyers(url: string, stream: 0 | 1): Promise<Buyers> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "buyers-program.ts"), url, String(EVERY_MS), JSON.stringify(PAGES), String(FIRST_PORT + stream * PORTS_EACH)], { stdio: ["pipe", "pipe", "inherit"] });
  const fetched: Fetched[] = [];
  createInterface(child.stdout).on("line", (line) => {
    fetched.push(JSON.parse(line) as Fetched);
    if (fetched.length > MOST_KEPT) fetched.shift();
  });
  await once(child, "spawn");
  const ended = once(child, "close");
  return {
    fetched,
    since: (from) => fetched.filter(({ at }) => at >= from).length,
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
