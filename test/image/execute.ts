/** Runs a program to its end: bounded in time and output. */
import { spawn } from "node:child_process";
import { delimiter } from "node:path";

/** Of each stream the end is kept. */
const OUTPUT_BYTES = 256_000;

export type Ran = { readonly code: number | null; readonly out: string; readonly err: string };

export type ExecuteOptions = { readonly timeoutMs: number; readonly cwd?: string };

/** Never rejects: a program that is missing or late is a result with code null. */
export function execute(command: string, args: readonly string[], { timeoutMs, cwd }: ExecuteOptions): Promise<Ran> {
  // debootstrap and runc stand in folders that a user's PATH may lack.
  const PATH = [process.env["PATH"], "/usr/local/sbin", "/usr/sbin", "/sbin"].join(delimiter);
  const child = spawn(command, args, { cwd, env: { ...process.env, PATH }, stdio: ["ignore", "pipe", "pipe"], timeout: timeoutMs, killSignal: "SIGKILL" });
  const kept = { out: "", err: "" };
  const keep = (stream: "out" | "err") => (chunk: Buffer) => void (kept[stream] = (kept[stream] + chunk.toString()).slice(-OUTPUT_BYTES));
  child.stdout.on("data", keep("out"));
  child.stderr.on("data", keep("err"));
  return new Promise((resolve) => {
    child.on("error", (error) => resolve({ code: null, out: kept.out, err: error.message }));
    child.on("close", (code) => resolve({ code, ...kept }));
  });
}

/** @throws {Error} with the end of what the program said, when it fails. @returns what it wrote, trimmed. */
export async function succeed(command: string, args: readonly string[], options: ExecuteOptions): Promise<string> {
  const { code, out, err } = await execute(command, args, options);
  if (code === 0) return out.trim();
  throw new Error(`${command} ${args.slice(0, 8).join(" ")} ended with ${code ?? `nothing within ${options.timeoutMs / 1000} s`}:\n${(out + err).slice(-4_000)}`);
}
