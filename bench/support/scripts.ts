/** The bench's own servers, each a process of its own. */
import { fileURLToPath } from "node:url";
import { listening, start, type Running } from "./processes.ts";

export type Script = "page-app" | "bare-server" | "pipe-proxy" | "health-farm" | "sidecar-farm";

/** Starts one by name and waits until it listens on `waitFor`. */
export async function startScript(name: Script, args: readonly (string | number)[], waitFor: { readonly port: number; readonly host?: string }): Promise<Running> {
  const running = start(process.execPath, [fileURLToPath(new URL(`./${name}.ts`, import.meta.url)), ...args.map(String)]);
  await listening(waitFor.port, waitFor.host);
  return running;
}
