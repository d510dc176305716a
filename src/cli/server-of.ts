/**
 * Which daemon a command talks to, and as whom.
 */
import { reveal } from "../config/secret.ts";
import type { Config } from "../config/config.ts";
import { readAdminToken } from "../roles/admin-token.ts";
import { DEFAULT_FILE, loadSite } from "./load-site.ts";
import { ExitError, type Terminal } from "./terminal.ts";

export type Server = { readonly server: string; readonly token: string };

/**
 * `--server` or SHOPKEEPER_SERVER with SHOPKEEPER_TOKEN; else the admin listener of the
 * shopkeeper.yaml here, with SHOPKEEPER_TOKEN, the token the daemon keeps beside it, or
 * the first operator's of the configuration.
 */
export async function serverOf(terminal: Terminal, option: string | undefined): Promise<Server> {
  const named = option ?? setting(terminal, "SHOPKEEPER_SERVER");
  const token = setting(terminal, "SHOPKEEPER_TOKEN");
  if (named !== undefined) {
    if (token === undefined) throw new ExitError(2, "set SHOPKEEPER_TOKEN to a token of the daemon's configuration");
    return { server: named.replace(/\/+$/, ""), token };
  }
  const { config } = await loadSite(terminal, DEFAULT_FILE);
  const { admin } = config.listeners;
  if (admin === null) throw new ExitError(2, "this configuration has no admin listener; name a daemon with --server or SHOPKEEPER_SERVER");
  const host = admin.host === "0.0.0.0" || admin.host === "::" ? "127.0.0.1" : admin.host;
  return { server: `http://${host.includes(":") ? `[${host}]` : host}:${admin.port}`, token: token ?? (await localToken(config)) };
}

/** A variable that is set to nothing counts as not set. */
function setting(terminal: Terminal, name: string): string | undefined {
  const value = terminal.env[name];
  return value === "" ? undefined : value;
}

async function localToken(config: Config): Promise<string> {
  const operator = config.tokens.find((one) => one.role === "operator") ?? config.tokens[0];
  const token = operator === undefined ? await readAdminToken(config.folder) : reveal(operator.value);
  if (token === null) throw new ExitError(1, 'no token: "shopkeeper run" makes one at its first start; or set SHOPKEEPER_TOKEN');
  return token;
}
