/** Pods of which only the sidecar's health answers, each at a loopback address of its own, and says what it is told to. */
import { createServer, type Server, type ServerResponse } from "node:http";
import type { CheckVerdict } from "../../src/core/check-state.ts";

export type ToldSidecar = { readonly ip: string; verdict: CheckVerdict; cause: string; /** Addresses it says it reaches. */ reaches: readonly string[]; readonly asked: () => number; stop(): Promise<void> };

const PEER = "peer-token";
export const PEER_TOKEN = PEER;

/** @param port the same for all. */
export async function toldSidecar(ip: string, port: number): Promise<ToldSidecar> {
  let asked = 0;
  const sidecar: ToldSidecar = { ip, verdict: "healthy", cause: "status", reaches: [], asked: () => asked, stop: () => closed(server) };
  const server = createServer((request, response) => {
    asked += 1;
    const peer = /^\/health\/peers\/(.+)$/.exec(request.url ?? "")?.[1];
    if (peer !== undefined) return void response.end(JSON.stringify({ reached: sidecar.reaches.includes(decodeURIComponent(peer)) }));
    const known = request.headers.authorization === `Bearer ${PEER}`;
    answerAs(response, known, sidecar);
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, ip, resolve));
  return sidecar;
}

export type Told = { readonly verdict: CheckVerdict; readonly cause: string; /** Of the request. Default: 20. */ readonly cpuPercent?: number };

/** @param known whether who asks has the token. */
export function answerAs(response: ServerResponse, known: boolean, told: Told): void {
  response.writeHead(told.verdict === "unhealthy" ? 503 : 200, { "content-type": "application/health+json" }).end(JSON.stringify(known ? bodyOf(told) : { status: "pass" }));
}

function bodyOf({ verdict, cause, cpuPercent = 20 }: Told): object {
  const now = Date.now();
  const ill = verdict === "unhealthy" || verdict === "degraded";
  const level = verdict === "unhealthy" ? "fail" : verdict === "degraded" ? "warn" : "pass";
  const look = (check: string) => ({
    componentId: "app", componentType: "component", status: level, verdict: check === "application" ? verdict : "healthy", at: now,
    run: { level, count: 3, since: now - 5_000 }, seen: level, ...(ill ? { cause, output: `${check} is told to be ${verdict}` } : {}), facts: { cpu_usage: cpuPercent },
  });
  return { status: level, verdict, ready: true, copies: 3, version: "told", breakers: [], checks: { application: [look("application")], page: [look("page")] } };
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
