/**
 * Shopkeeper as it ships: the bundle, run as a process of its own on free loopback ports.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "../../test/support/bundle.ts";
import { freePort, listening, start, type Running } from "./processes.ts";

export type ShopkeeperOptions = {
  readonly folder: string;
  /** Lines of `targets:`, indented by two. */
  readonly targets: string;
  /** Lines of `gateway:` without `listen`, indented by two; null: no gateway. */
  readonly gateway: string | null;
  /** More of shopkeeper.yaml, at the left margin. */
  readonly more?: string;
  readonly role?: "standalone" | "sidecar";
  readonly nodeFlags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Command and arguments put before Node's: `taskset -c 0`. */
  readonly before?: readonly string[];
};

export type Shopkeeper = Running & { readonly gateway: number; readonly health: number; readonly startedAt: number };

/** Starts it; resolves as soon as the process exists. `ready` waits for its listeners. */
export async function launch(options: ShopkeeperOptions): Promise<Shopkeeper> {
  const program = bundle();
  const home = mkdtempSync(join(options.folder, "shop-"));
  mkdirSync(join(home, "checks"));
  const [gateway, health, admin] = [await freePort(), await freePort(), await freePort()];
  const file = join(home, "shopkeeper.yaml");
  writeFileSync(
    file,
    `site: bench
targets:
${options.targets}
${options.gateway === null ? "" : `gateway:\n  listen: 127.0.0.1:${gateway}\n${options.gateway}`}
listeners: { health: "127.0.0.1:${health}", admin: "127.0.0.1:${admin}" }
connectivity: []
${options.more ?? ""}
`,
  );
  const command = [...(options.before ?? []), process.execPath, ...(options.nodeFlags ?? []), program, "run", "--role", options.role ?? "standalone", "--config", file];
  const startedAt = performance.now();
  const running = start(command[0] ?? process.execPath, command.slice(1), { cwd: home, env: { NODE_ENV: "production", ...options.env } });
  return { ...running, gateway, health, startedAt };
}

/** Starts it and waits until all listeners accept. */
export async function startShopkeeper(options: ShopkeeperOptions): Promise<Shopkeeper> {
  const shop = await launch(options);
  await listening(shop.health);
  if (options.gateway !== null) await listening(shop.gateway);
  return shop;
}
