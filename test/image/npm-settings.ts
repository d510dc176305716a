/**
 * npm's settings of this machine in one file, for the build's secret: its registry and, as text,
 * the authorities it trusts, since files of this machine are not there in a build.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execute } from "./execute.ts";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;
const TIMEOUT_MS = 30_000;

/** Hands over a file with npm's settings of this machine, and removes it again. */
export async function withNpmSettings<T>(use: (file: string) => Promise<T>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "shopkeeper-npmrc-"));
  try {
    const file = join(folder, "npmrc");
    await writeFile(file, await npmSettings(), { mode: 0o600 });
    await use(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function npmSettings(): Promise<string> {
  const own = await readFile(await setting("userconfig"), "utf8").catch(() => "");
  const registry = await setting("registry");
  const file = (await setting("cafile")) || (process.env["NODE_EXTRA_CA_CERTS"] ?? "");
  const authorities = (await readFile(file, "utf8").catch(() => "")).match(CERTIFICATE) ?? [];
  const lines = own.split("\n").filter((line) => !/^\s*(cafile|prefix|cache|userconfig)\s*=/.test(line));
  return [...lines, ...(registry === "" ? [] : [`registry=${registry}`]), ...authorities.map((one) => `ca[]=${JSON.stringify(one)}`), ""].join("\n");
}

/** From a folder without an .npmrc: a project's own is in the build already. */
async function setting(name: string): Promise<string> {
  const { code, out } = await execute("npm", ["config", "get", name], { timeoutMs: TIMEOUT_MS, cwd: tmpdir() });
  const value = out.trim();
  return code !== 0 || value === "null" || value === "undefined" ? "" : value;
}
