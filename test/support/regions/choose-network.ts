/** Which network a scene gets: hosts in network namespaces where they may be had, else roads. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { freeDnsPort as freePort } from "../../../demo/dns/server-process.ts";
import { findProgram, debianPackage } from "../provide-servers.ts";
import { TOOLS } from "./namespace.ts";
import { Namespaces } from "./namespaces.ts";
import type { Address, Network, Ports } from "./network.ts";
import { Roads } from "./roads.ts";

export type Choice = {
  readonly kind: "namespaces" | "roads";
  /** What the scene is made of, and why. */
  readonly said: string;
};

/** A connection that has not come about by then will not. */
const CONNECT_MS = 1_000;
const ASK_MS = 10_000;

let lack: Promise<string | null> | null = null;

/** What keeps us from hosts in network namespaces, found by making some; null: nothing. */
export const namespacesLack = (): Promise<string | null> => (lack ??= tryNamespaces());

/** @param forced roads, whatever may be had. */
export async function chooseNetwork(forced: boolean = false): Promise<Choice> {
  const why = forced ? "they were asked for" : await namespacesLack();
  if (why === null) return { kind: "namespaces", said: "hosts in network namespaces, cut apart with iptables" };
  return { kind: "roads", said: `roads between processes of one host, ${forced ? "as asked for" : `since hosts in network namespaces cannot be had: ${why}`}` };
}

export const openNetwork = (kind: Choice["kind"], ports: Ports): Promise<Network> => (kind === "namespaces" ? Namespaces.open(ports) : Roads.open(ports));

async function tryNamespaces(): Promise<string | null> {
  if (process.platform !== "linux") return `they need Linux, and this is ${process.platform}`;
  if (process.getuid?.() !== 0) return "they need root";
  const missing = TOOLS.filter((name) => findProgram(name) === null);
  if (missing.length > 0) return `apt-get install ${[...new Set(missing.map(debianPackage))].join(" ")}`;
  try {
    return await tryCut();
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, " ");
  }
}

/** One connection that must come about, and one that must not. */
async function tryCut(): Promise<string | null> {
  const [shop, eu, us, home, provider] = [await freePort(), await freePort(), await freePort(), await freePort(), await freePort()];
  const network = await Namespaces.open({ shop, gateways: { eu: shop, us: shop }, daemons: { eu, us, home }, provider });
  const at = network.find("eu", "provider");
  const server = createServer((socket) => void socket.on("error", () => undefined).end());
  try {
    server.listen(at.port, at.host);
    await once(server, "listening");
    if (!(await connects(network, at))) return "no connection comes about between them";
    await network.cut("eu", "provider", "answers");
    return (await connects(network, at)) ? "iptables does not cut them apart" : null;
  } finally {
    server.close();
    await network.stop();
  }
}

async function connects(network: Network, at: Address): Promise<boolean> {
  const asking = `const s = require("node:net").connect(${JSON.stringify(at)}, () => process.exit(0)); s.setTimeout(${CONNECT_MS}, () => process.exit(1)); s.on("error", () => process.exit(1));`;
  const [program, ...args] = [...network.behind("eu"), process.execPath, "-e", asking];
  const asker = spawn(program, args, { stdio: "ignore", signal: AbortSignal.timeout(ASK_MS) });
  const [code] = (await once(asker, "exit")) as [number | null];
  return code === 0;
}
