/**
 * Runs the program once while the image is built, in each way it will be run, so that Node's
 * compile cache is full when it ships: what was compiled by then is kept with the code.
 */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer, get } from "node:http";

/** Longest wait for anything here. */
const DEADLINE_MS = 60_000;
const POLL_MS = 50;
const PAGE = "<!doctype html><title>Warm</title><h1>Warm</h1>";

/** Any free ports: a build may share its host's network. */
const site = (app: number): string => `site: warm
role: sidecar
targets: { app: { url: "http://127.0.0.1:${app}" } }
gateway: { preset: hydrogen-react-router, listen: "127.0.0.1:0" }
listeners: { health: "127.0.0.1:0", admin: "off" }
connectivity: []
`;

type Running = {
  /** All it has said so far. */
  readonly said: () => string;
  readonly ended: Promise<void>;
  readonly stop: () => void;
};

/** Its words are shown only when it does not end as it should. */
function shopkeeper(...args: readonly string[]): Running {
  const child = spawn("shopkeeper", args, { env: { ...process.env, NODE_COMPILE_CACHE: process.argv[2] }, stdio: ["ignore", "pipe", "pipe"], timeout: DEADLINE_MS });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => void (said += chunk.toString()));
  const ended = new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`shopkeeper ${args.join(" ")} ended with ${code}:\n${said}`))));
  });
  return { said: () => said, ended, stop: () => child.kill("SIGTERM") };
}

function status(url: string): Promise<number> {
  return new Promise((resolve) => {
    const request = get(url, { timeout: 5_000, agent: false }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? 0));
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(0));
  });
}

/** Asks until there is an answer that is not null. */
async function until<T>(what: string, ask: () => T | null | Promise<T | null>): Promise<T> {
  const end = performance.now() + DEADLINE_MS;
  while (performance.now() < end) {
    const answer = await ask();
    if (answer !== null) return answer;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${what}: not within ${DEADLINE_MS / 1000} s`);
}

const app = createServer((request, response) => {
  const health = request.url === "/health";
  response.writeHead(200, { "content-type": health ? "application/json" : "text/html; charset=utf-8" }).end(health ? '{"status":"pass"}' : PAGE);
});
await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
const address = app.address();
writeFileSync("shopkeeper.yaml", site(typeof address === "object" && address !== null ? address.port : 0));
for (const args of [["--version"], ["validate"], ["check", "application"]]) await shopkeeper(...args).ended;

const daemon = shopkeeper("run");
const [ingress, health] = await until("the daemon starts", () => /"ingress":(\d+),"health":(\d+)/.exec(daemon.said())?.slice(1) ?? null);
// No page of a shop stands behind it, so it is neither well nor ready; that it says so is enough.
for (const url of [`${ingress}/`, `${ingress}/products/warm`, `${health}/health/ready`, `${health}/health`, `${health}/metrics`]) {
  await until(`${url} answers`, async () => ((await status(`http://127.0.0.1:${url}`)) > 0 ? true : null));
}
daemon.stop();
await daemon.ended;
app.close();
app.closeAllConnections();
