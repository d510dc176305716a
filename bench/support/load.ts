/**
 * Load on loopback by wrk (Debian's package), bounded in connections and time.
 */
import { execFile } from "node:child_process";
import { provideServers } from "../../test/support/provide-servers.ts";
import { cpuSeconds } from "./processes.ts";

export type Load = { readonly url: string; readonly connections: number; readonly seconds: number; readonly headers?: Readonly<Record<string, string>>; /** Command and arguments put before wrk's. */ readonly before?: readonly string[] };

export type LoadResult = { readonly requests: number; readonly perSecond: number; readonly errors: number; readonly p50Ms: number; readonly p99Ms: number };

/** @throws when wrk cannot be had or run */
export async function wrk(load: Load): Promise<LoadResult> {
  const { missing } = await provideServers(["wrk"]);
  for (const { why } of missing) throw new Error(`wrk cannot be had: ${why}`);
  return runWrk(load);
}

function runWrk({ url, connections, seconds, headers = {}, before = [] }: Load): Promise<LoadResult> {
  const args = [...before, "wrk", "-t1", `-c${connections}`, `-d${seconds}s`, "--latency", ...Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]), url];
  return new Promise((resolve, reject) => {
    execFile(args[0] ?? "wrk", args.slice(1), { timeout: (seconds + 20) * 1_000 }, (error, stdout) => {
      if (error !== null) return reject(new Error(`wrk: ${error.message}`));
      resolve({
        requests: Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0),
        perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? 0),
        errors: Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0) + [...(/Socket errors: (.+)/.exec(stdout)?.[1] ?? "").matchAll(/\d+/g)].reduce((sum, found) => sum + Number(found[0]), 0),
        p50Ms: latency(stdout, "50%"),
        p99Ms: latency(stdout, "99%"),
      });
    });
  });
}

function latency(text: string, share: string): number {
  const found = new RegExp(`${share}\\s+([\\d.]+)(us|ms|s)`).exec(text);
  const unit = { us: 0.001, ms: 1, s: 1_000 }[found?.[2] ?? "ms"] ?? 1;
  return Number(found?.[1] ?? Number.NaN) * unit;
}

/** Requests the server answered for each second of its own CPU: what one core of it could do, whatever else the machine does. */
export async function perCpuSecond(pid: number, load: Load): Promise<{ readonly perCpu: number; readonly result: LoadResult }> {
  const before = cpuSeconds(pid);
  const result = await wrk(load);
  const used = cpuSeconds(pid) - before;
  return { perCpu: used > 0 ? result.requests / used : 0, result };
}
