/**
 * Both images of a shop, from their Dockerfiles, as archives for a cluster's nodes: built where they are not in
 * the cache, by whatever builds images on this machine. Their names say what they were made of.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { buildStarter, type Starter } from "../../e2e/hydrogen/build-starter.ts";
import { BASE, TAG, type ContainerTool } from "../../image/container-tool.ts";
import { findTool } from "../../image/find-tool.ts";

export type Archive = { readonly file: string; /** "docker.io/library/shop:0123456789ab" */ readonly name: string };

export type ShopImages = { readonly shopkeeper: Archive; readonly storefront: Archive; readonly starter: Starter };

const ROOT = resolve(import.meta.dirname, "../../..");
const HOST_FILES = ["host.ts", "egress.ts", "ailments.ts"].map((name) => join(ROOT, "test/e2e/hydrogen", name));
const STOREFRONT_TAG = "localhost/storefront:test";

/** @throws {Error} when nothing here builds images, or one does not build. */
export async function provideImages(say: (text: string) => void): Promise<ShopImages> {
  const starter = await buildStarter({ progress: say });
  const folder = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "shopkeeper-image", "archives");
  await mkdir(folder, { recursive: true });
  const shopkeeper = archive(folder, "shopkeeper", await digestOf(await contextFiles(), BASE));
  const storefront = archive(folder, "storefront", await digestOf([join(import.meta.dirname, "Dockerfile"), ...HOST_FILES], starter.folder, BASE));
  const missing = [
    { made: shopkeeper, tag: TAG, build: (tool: ContainerTool) => tool.build(ROOT) },
    { made: storefront, tag: STOREFRONT_TAG, build: (tool: ContainerTool) => buildStorefront(tool, starter) },
  ].filter(({ made }) => !made.there);
  if (missing.length > 0) {
    const found = await findTool();
    if (found.kind === "missing") throw new Error(`no image can be built: ${found.why}`);
    await using tool = await found.open();
    for (const { made, tag, build } of missing) {
      say(`building ${made.name} by its Dockerfile, with ${tool.name}`);
      await build(tool);
      await keep(tool, tag, made);
    }
  }
  return { shopkeeper, storefront, starter };
}

type Found = Archive & { readonly there: boolean };

function archive(folder: string, name: string, digest: string): Found {
  const file = join(folder, `${name}-${digest}.tar`);
  return { file, name: `docker.io/library/${name}:${digest}`, there: existsSync(file) };
}

/** Appears whole or not at all; those of other contents go. */
async function keep(tool: ContainerTool, tag: string, { file, name }: Archive): Promise<void> {
  const part = `${file}.part`;
  await rm(part, { force: true });
  await tool.save(tag, name, part);
  const [folder, kind] = [dirname(file), basename(file).replace(/-[^-]+$/, "-")];
  for (const old of await readdir(folder)) if (old.startsWith(kind) && !old.endsWith(".part")) await rm(join(folder, old));
  await rename(part, file);
}

async function buildStorefront(tool: ContainerTool, starter: Starter): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "shopkeeper-storefront-"));
  try {
    await cp(join(import.meta.dirname, "Dockerfile"), join(folder, "Dockerfile"));
    for (const part of ["dist", "node_modules", "package.json"]) await cp(join(starter.folder, part), join(folder, "app", part), { recursive: true, verbatimSymlinks: true });
    for (const file of HOST_FILES) await cp(file, join(folder, "host", basename(file)));
    await tool.build(folder, STOREFRONT_TAG);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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

async function digestOf(files: readonly string[], ...words: readonly string[]): Promise<string> {
  const hash = createHash("sha256").update(words.join("\n"));
  for (const file of files) hash.update(`\n${file.replace(ROOT, "")}\n`).update(await readFile(file));
  return hash.digest("hex").slice(0, 12);
}
