/**
 * Built images as archives for a cluster's nodes, kept in the cache under names that say what they were made of:
 * what the image's own suite has built the cluster's need not build again.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { BASE, TAG, type ContainerTool } from "./container-tool.ts";

/** @property there whether it has been made. */
export type Archive = { readonly file: string; /** "docker.io/library/shop:0123456789ab" */ readonly name: string; readonly there: boolean };

const ROOT = resolve(import.meta.dirname, "../..");

/** Of Shopkeeper's own image, by the content of all that its Dockerfile reads. */
export const shopkeeperArchive = async (): Promise<Archive> => findArchive("shopkeeper", await digestOf(await contextFiles(), BASE));

/** @param digest of all that decides what is in the image. */
export async function findArchive(name: string, digest: string): Promise<Archive> {
  const folder = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "shopkeeper-image", "archives");
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${name}-${digest}.tar`);
  return { file, name: `docker.io/library/${name}:${digest}`, there: existsSync(file) };
}

/** Of other contents, which a suite of another clone may be loading just now. */
const OTHERS_KEPT = 2;

/** Appears whole or not at all; of those of other contents the oldest go. */
export async function keepArchive(tool: ContainerTool, { file, name }: Archive, tag = TAG): Promise<void> {
  const part = `${file}.part`;
  await rm(part, { force: true });
  await tool.save(tag, name, part);
  const [folder, kind] = [dirname(file), basename(file).replace(/-[^-]+$/, "-")];
  const others = (await readdir(folder)).filter((name) => name.startsWith(kind) && name.endsWith(".tar")).map((name) => join(folder, name));
  const made = await Promise.all(others.map(async (other) => ({ other, at: (await stat(other)).mtimeMs })));
  for (const { other } of made.toSorted((a, b) => b.at - a.at).slice(OTHERS_KEPT)) await rm(other, { force: true });
  await rename(part, file);
}

/** What the build of Shopkeeper's image reads: its Dockerfile, and all that .dockerignore lets in. */
async function contextFiles(): Promise<readonly string[]> {
  const lines = (await readFile(join(ROOT, ".dockerignore"), "utf8")).split("\n");
  const names = ["Dockerfile", ...lines.filter((line) => line.startsWith("!")).map((line) => line.slice(1).trim())];
  const files = await Promise.all(names.map(async (name) => {
    const path = join(ROOT, name);
    if (!(await stat(path)).isDirectory()) return [path];
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  }));
  return files.flat().toSorted();
}

/** Twelve hexadecimal digits of the files' contents and their places in the repository. */
export async function digestOf(files: readonly string[], ...words: readonly string[]): Promise<string> {
  const hash = createHash("sha256").update(words.join("\n"));
  for (const file of files) hash.update(`\n${file.replace(ROOT, "")}\n`).update(await readFile(file));
  return hash.digest("hex").slice(0, 12);
}
