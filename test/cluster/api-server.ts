/**
 * A real API server for one test file: etcd and kube-apiserver on 127.0.0.1, as any
 * user, in a folder of its own that goes with it. About three seconds.
 *
 * There are no nodes: pods are created, and a test writes their status itself. Should
 * the process that started it die, the kernel ends both.
 */
import { randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { killProgram, startControlPlane, startProgram, type ControlPlane, type ControlPlanePlan, type ControlProgram } from "./control-plane.ts";
import { end, holds, namesOf, pidOf, signal } from "./processes.ts";

export type ApiServerOptions = {
  /** Also the controllers (garbage, deployments, quotas, ServiceAccounts, …); one to two seconds more. Default: no. */
  readonly controllers?: boolean;
};

export type ApiServer = ControlPlane &
  AsyncDisposable & {
    /** Ends a program at once, as a crash would. Default: the API server. */
    readonly kill: (program?: ControlProgram) => Promise<void>;
    /** Starts one that was killed, on its port and its data; ends it first if it runs. Returns when it is ready. */
    readonly restart: (program?: ControlProgram) => Promise<void>;
    /** Stops it from doing anything, connections left open, until `thaw`. */
    readonly freeze: (program?: ControlProgram) => void;
    readonly thaw: (program?: ControlProgram) => void;
    /** Pids of the programs that run. */
    readonly pids: () => readonly number[];
    /** Ends everything and removes the folder. Disposing does the same. */
    readonly stop: () => Promise<void>;
  };

/** Below those the kernel gives to outgoing connections, so that none is taken between looking and listening. */
const PORTS = { from: 20_000, to: 32_000 };

/** For a port of one that was killed to be free again. */
const PORT_FREE_MS = 10_000;

/** Starts one. @throws {Error} when its programs are not built or do not come up; nothing is left running then. */
export async function startApiServer({ controllers = false }: ApiServerOptions = {}): Promise<ApiServer> {
  const folder = await mkdtemp(join(tmpdir(), "shopkeeper-api-"));
  const crew = { folder, leashed: true };
  const stop = async (): Promise<void> => {
    await end(crew, namesOf(crew), 0);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const ports = { api: await freePort(), etcd: await freePort(), etcdPeers: await freePort() };
    const plan: ControlPlanePlan = { crew, address: "127.0.0.1", ports, serviceRange: "10.96.0.0/16", serviceAddress: "10.96.0.1", controllers, scheduler: false, env: process.env };
    const plane = await startControlPlane(plan);
    return { ...plane, ...controls(plan, plane), stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function controls(plan: ControlPlanePlan, plane: ControlPlane): Pick<ApiServer, "kill" | "restart" | "freeze" | "thaw" | "pids"> {
  const { crew } = plan;
  return {
    kill: (program = "apiserver") => killProgram(plan, program),
    restart: async (program = "apiserver") => {
      await killProgram(plan, program);
      // Threads of a process that ends may hold its port for a moment after its first one is gone.
      if (program === "apiserver") await holds(() => listens(plan.ports.api), PORT_FREE_MS);
      await startProgram(plan, plane, program);
    },
    freeze: (program = "apiserver") => signal(crew, [program], "SIGSTOP"),
    thaw: (program = "apiserver") => signal(crew, [program], "SIGCONT"),
    pids: () => namesOf(crew).flatMap((name) => pidOf(crew, name) ?? []),
  };
}

/** A port of the loopback nobody listens on. */
async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = randomInt(PORTS.from, PORTS.to);
    if (await listens(port)) return port;
  }
  throw new Error(`no free port between ${PORTS.from} and ${PORTS.to}`);
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
