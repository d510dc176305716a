/**
 * Shopkeeper as it ships, in the roles of a region: the gateway before its application, the guard that watches and leads,
 * and the witness outside.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { request } from "undici";
import type { Snapshot } from "../../../src/core/snapshot.ts";
import type { RegionsView } from "../../../src/core/region/view.ts";
import { bundle } from "../bundle.ts";
import { urlOf, type Address } from "./network.ts";
import { startProcess, waitUntil, type SceneProcess } from "./process.ts";

const ASK_MS = 20_000;
const READY_MS = 60_000;
export const OPERATOR = "operator-token-of-the-regions-scene";

/** A failover as the daemon's log tells it. */
export type Intended = { readonly at: number; readonly to: string; readonly cause: string; readonly epoch: number };

export type Daemon = {
  readonly process: SceneProcess;
  /** Where its API answers; "" without one. */
  readonly admin: string;
  /** What it began to carry out, oldest first. */
  readonly intended: readonly Intended[];
  /** @throws {Error} when it does not answer. */
  status(): Promise<Snapshot>;
  /** @throws {Error} where it leads no region. */
  regions(): Promise<RegionsView>;
  /** A person's order; the answer, or the refusal, in words. */
  order(path: string, body?: Readonly<Record<string, unknown>>): Promise<{ readonly done: boolean; readonly text: string }>;
};

export type Launch = {
  /** A folder for it alone; made where it is missing. */
  readonly folder: string;
  readonly yaml: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What its command is put behind. */
  readonly behind: readonly string[];
  readonly admin?: Address;
};

/** Starts one and waits until it says that it has started. @throws {Error} with its last words where it does not */
export async function startDaemon({ folder, yaml, env = {}, behind, admin }: Launch): Promise<Daemon> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "shopkeeper.yaml");
  writeFileSync(file, yaml);
  const intended: Intended[] = [];
  let started = false;
  const line = (text: string): void => {
    started ||= text.includes('"event":"started"');
    const found = intentIn(text);
    if (found !== null) intended.push(found);
  };
  const process_ = startProcess([bundle(), "run", "--config", file], { behind, cwd: folder, env: { NODE_ENV: "production", OPERATOR, ...env }, line });
  await waitUntil(`the daemon in ${folder} has started`, () => {
    if (process_.ended() && !started) throw new Error(`it ended: ${process_.tail()}`);
    return started;
  }, READY_MS);
  return { process: process_, intended, ...apiOf(admin) };
}

function intentIn(text: string): Intended | null {
  if (!text.includes('"intent":{')) return null;
  const { intent } = JSON.parse(text) as { readonly intent: Omit<Intended, "at"> };
  return { at: performance.now(), to: intent.to, cause: intent.cause, epoch: intent.epoch };
}

function apiOf(address: Address | undefined): Pick<Daemon, "admin" | "status" | "regions" | "order"> {
  const admin = address === undefined ? "" : urlOf(address);
  const headers = { authorization: `Bearer ${OPERATOR}`, "content-type": "application/json" };
  const limits = { headersTimeout: ASK_MS, bodyTimeout: ASK_MS, reset: true };
  const status = async (): Promise<Snapshot & { readonly regions: RegionsView | null }> => {
    const answer = await request(`${admin}/api/v1/status`, { headers, ...limits });
    if (answer.statusCode !== 200) throw new Error(`the status answered ${answer.statusCode}: ${await answer.body.text()}`);
    return (await answer.body.json()) as Snapshot & { readonly regions: RegionsView | null };
  };
  return {
    admin,
    status,
    regions: async () => {
      const { regions } = await status();
      if (regions === null) throw new Error("it leads no region");
      return regions;
    },
    order: async (path, body = {}) => {
      const answer = await request(`${admin}/api/v1/${path}`, { method: "POST", headers, body: JSON.stringify({ why: "the scene's person", ...body }), ...limits });
      const said = (await answer.body.json()) as { readonly text?: string; readonly detail?: string };
      return { done: answer.statusCode === 200, text: said.text ?? said.detail ?? "" };
    },
  };
}
