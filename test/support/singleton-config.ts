/** A singleton's configuration, by our own loader: the pods of one Service. */
import { join } from "node:path";
import type { Config } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/load.ts";
import { catalogues } from "../../src/roles/catalogues.ts";
import { folderOf } from "../config/harness.ts";

export async function singletonConfig(more = ""): Promise<Config> {
  const text = `site: shop\nrole: singleton\ntargets:\n  storefront: { kubernetes: { service: web } }\npeer_token: \${PEER}\n${more}`;
  const loaded = await loadConfig({ file: join("shop", "shopkeeper.yaml"), env: { PEER: "token-of-the-pods" }, catalogues, files: folderOf({ "shopkeeper.yaml": text }) });
  if (!loaded.ok) throw new Error(loaded.errors.map(({ message }) => message).join("\n"));
  return loaded.config;
}
