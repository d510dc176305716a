/**
 * What can be made to go wrong in a hosted storefront from outside, for those who measure what follows.
 *
 *   POST /__app/break        every page is 500 from now on; the health route goes on saying that all is well
 *   POST /__app/mend         no more
 *   POST /__app/swell        takes memory until the kernel ends the process
 *   POST /__app/crash-loop   ends the process, and each later one at its start, until `?seconds=` are over
 *
 * `BROKEN_PAGES=1` in the environment: a release that is broken from the start.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** Of a pod: outlives a container, and goes with the pod. */
const CRASH_UNTIL = path.join(tmpdir(), "crash-until");
const SWELL_BYTES = 16 * 1024 * 1024;
const SWELL_EVERY_MS = 50;

export type Ailments = {
  readonly pagesAreBroken: () => boolean;
  /** Does what the path says; null: it says nothing. */
  readonly order: (url: string) => string | null;
};

/** Call it first: while a crash loop lasts, it does not return. */
export function ailments(env: NodeJS.ProcessEnv): Ailments {
  if (existsSync(CRASH_UNTIL) && Date.now() < Number(readFileSync(CRASH_UNTIL, "utf8"))) {
    process.stderr.write("crashes at its start, as it was told\n");
    process.exit(1);
  }
  let broken = env["BROKEN_PAGES"] === "1";
  const kept: Buffer[] = [];
  const orders = new Map<string, (query: URLSearchParams) => void>([
    ["/__app/break", () => void (broken = true)],
    ["/__app/mend", () => void (broken = false)],
    // Filled, or the kernel would only promise it.
    ["/__app/swell", () => void setInterval(() => void kept.push(Buffer.alloc(SWELL_BYTES, 1)), SWELL_EVERY_MS)],
    ["/__app/crash-loop", (query) => {
      writeFileSync(CRASH_UNTIL, String(Date.now() + Number(query.get("seconds")) * 1_000));
      setImmediate(() => process.exit(1));
    }],
  ]);
  return {
    pagesAreBroken: () => broken,
    order: (url) => {
      const { pathname, searchParams } = new URL(url, "http://application");
      const order = orders.get(pathname);
      order?.(searchParams);
      return order === undefined ? null : pathname;
    },
  };
}
