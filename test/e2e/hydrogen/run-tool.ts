/** Runs a build tool to its end: bounded in time and output, without the test runner's environment. */
import { spawn } from "node:child_process";
import path from "node:path";

/** Only the end of a tool's output is kept; that is where it says what went wrong. */
const OUTPUT_BYTES = 4_000;

/**
 * What a package manager and a bundler need to know of the machine. The test
 * runner's own variables (NODE_ENV, VITEST) would change what they build, and those
 * an outer `npm` sets for its own command would change what an inner one does.
 */
const PASSED_ON = new RegExp(
  `^(?:${[
    "PATH|HOME|TMPDIR|LANG|CI",
    "https?_proxy|no_proxy|all_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR",
    "npm_config_(?:registry|userconfig|globalconfig|cache|ca|cafile|proxy|https_proxy|noproxy|fetch_.*)",
  ].join("|")})$`,
  "i",
);

export type ToolResult =
  | { readonly kind: "done"; readonly output: string }
  | { readonly kind: "failed"; readonly problem: string; readonly output: string };

export type ToolOptions = {
  readonly folder: string;
  readonly timeoutMs: number;
  readonly env?: Readonly<Record<string, string>>;
};

/** Never throws: a tool that is missing, fails or is late is a result. This process's Node comes first on the tool's PATH. */
export function runTool(command: string, args: readonly string[], { folder, timeoutMs, env = {} }: ToolOptions): Promise<ToolResult> {
  const passedOn = Object.fromEntries(Object.entries(process.env).filter(([name]) => PASSED_ON.test(name)));
  const PATH = [path.dirname(process.execPath), process.env["PATH"]].join(path.delimiter);
  const child = spawn(command, args, {
    cwd: folder,
    env: { ...passedOn, PATH, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  let output = "";
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-OUTPUT_BYTES);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);

  return new Promise((resolve) => {
    child.on("error", (error) => resolve({ kind: "failed", problem: error.message, output }));
    child.on("close", (code, signal) => {
      const problem = signal === null ? `exit code ${code}` : `ended by ${signal}; it had ${timeoutMs / 1000} s`;
      resolve(code === 0 ? { kind: "done", output } : { kind: "failed", problem, output });
    });
  });
}
