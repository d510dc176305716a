/**
 * Both images of a shop, from their Dockerfiles, as archives for a cluster's nodes: built where they are not in
 * the cache, by whatever builds images on this machine. Their names say what they were made of.
 */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { buildStarter, type Starter } from "../../e2e/hydrogen/build-starter.ts";
import { digestOf, findArchive, keepArchive, shopkeeperArchive, type Archive } from "../../image/archives.ts";
import { BASE, TAG, type ContainerTool } from "../../image/container-tool.ts";
import { findTool } from "../../image/find-tool.ts";

export type ShopImages = { readonly shopkeeper: Archive; readonly storefront: Archive; readonly starter: Starter };

const ROOT = resolve(import.meta.dirname, "../../..");
const HOST_FILES = ["host.ts", "egress.ts", "ailments.ts"].map((name) => join(ROOT, "test/e2e/hydrogen", name));
const STOREFRONT_TAG = "localhost/storefront:test";

/** @throws {Error} when nothing here builds images, or one does not build. */
export async function provideImages(say: (text: string) => void): Promise<ShopImages> {
  const starter = await buildStarter({ progress: say });
  const shopkeeper = await shopkeeperArchive();
  // The starter's folder is named by what it was made of; where that folder stands is no matter.
  const storefront = await findArchive("storefront", await digestOf([join(import.meta.dirname, "Dockerfile"), ...HOST_FILES], basename(starter.folder), BASE));
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
      await keepArchive(tool, made, tag);
    }
  }
  return { shopkeeper, storefront, starter };
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
