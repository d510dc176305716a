/** Runs a program of the bench to its end and hands back what it wrote. */
import { spawn } from "node:child_process";

export type Ended = { readonly code: number; readonly output: string };

/** @param line called for each line it writes. It is killed after `withinMs`, with a code of 124. */
export function runToEnd(args: readonly string[], withinMs: number, line: (text: string) => void = () => {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, withinMs);
    child.stdout.on("data", (chunk: Buffer) => {
      const from = output.lastIndexOf("\n") + 1;
      output += chunk.toString();
      for (const text of output.slice(from, output.lastIndexOf("\n") + 1).split("\n")) if (text !== "") line(text);
    });
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code: late ? 124 : (code ?? 1), output });
    });
  });
}
