/**
 * Somebody's own cluster (kind, k3d, any) instead of one of this machine, where CLUSTER_KUBECONFIG names it.
 *
 * All calls go through `kubectl proxy`, so that whatever the kubeconfig logs in with works: certificates, tokens,
 * login programs. Nothing but namespaces of our own is written, and they are deleted in the end.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { createAsk, type Ask } from "./ask.ts";
import { findProgram } from "../support/provide-servers.ts";
import { findBuilt } from "./programs.ts";
import { tool } from "./tool.ts";

export type Given = {
  /** Path of its kubeconfig; its current context counts. */
  readonly kubeconfig: string;
  /** What an image's archive is given to, the path last, like `kind load image-archive`; null: the images are there. */
  readonly loadCommand: readonly string[] | null;
  /** An address of this machine that its pods reach. */
  readonly hostAddress: string;
};

const STARTS_WITHIN_MS = 20_000;

/** From CLUSTER_KUBECONFIG, CLUSTER_LOAD and CLUSTER_HOST; null: none is given. @throws {Error} when it is given by half. */
export function givenCluster(env: NodeJS.ProcessEnv): Given | null {
  const [kubeconfig, load, hostAddress] = ["CLUSTER_KUBECONFIG", "CLUSTER_LOAD", "CLUSTER_HOST"].map((name) => env[name]?.trim() ?? "");
  if (kubeconfig === undefined || kubeconfig === "") return null;
  if (hostAddress === undefined || hostAddress === "") throw new Error("CLUSTER_KUBECONFIG needs CLUSTER_HOST: the address at which that cluster's pods reach this machine (kind, k3d: the gateway of its Docker network)");
  return { kubeconfig, hostAddress, loadCommand: load === undefined || load === "" ? null : load.split(/\s+/) };
}

/** The machine's own kubectl, else the one that we have built; null: neither. */
export const findKubectl = (env: NodeJS.ProcessEnv): string | null => findProgram("kubectl") ?? findBuilt("kubectl", env);

/** @throws {Error} that says how to get one. */
export function kubectlOf(env: NodeJS.ProcessEnv): string {
  const found = findKubectl(env);
  if (found === null) throw new Error("kubectl is not installed: npm run cluster -- build kubectl");
  return found;
}

/** Where its API server is and who signed it, for a kubeconfig of somebody else there. */
export async function serverOf(kubectl: string, kubeconfig: string): Promise<{ readonly server: string; readonly ca: string }> {
  type Config = { readonly clusters: readonly { readonly cluster: { readonly server: string; readonly "certificate-authority-data"?: string } }[] };
  const config = JSON.parse(await tool(kubectl, "--kubeconfig", kubeconfig, "config", "view", "--raw", "--minify", "--flatten", "-o", "json")) as Config;
  const cluster = config.clusters[0]?.cluster;
  const authority = cluster?.["certificate-authority-data"];
  if (cluster === undefined || authority === undefined) throw new Error(`${kubeconfig} names no cluster with a certificate authority of its own`);
  return { server: cluster.server, ca: Buffer.from(authority, "base64").toString() };
}

export type Proxied = AsyncDisposable & { readonly url: string; readonly ask: Ask };

/** `kubectl proxy` on a free port of the loopback, until it is disposed of. */
export async function openProxy(kubectl: string, kubeconfig: string): Promise<Proxied> {
  const child = spawn(kubectl, ["--kubeconfig", kubeconfig, "proxy", "--port=0"], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await ended;
  };
  const late = setTimeout(() => child.kill("SIGTERM"), STARTS_WITHIN_MS);
  try {
    for await (const line of createInterface(child.stdout)) {
      const address = /(127\.0\.0\.1:\d+)\s*$/.exec(line)?.[1];
      if (address === undefined) continue;
      const url = `http://${address}`;
      return { url, ask: createAsk({ server: url, ca: "", token: "" }), [Symbol.asyncDispose]: stop };
    }
  } finally {
    clearTimeout(late);
  }
  await stop();
  throw new Error("kubectl proxy did not come up");
}
