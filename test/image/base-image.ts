/**
 * The Dockerfile's base image, for machines that cannot pull it: Debian bookworm by debootstrap, with
 * the Node of npm's own package and the npm of this machine where the official image has them.
 *
 * Made once into buildah's storage; a stand-in of the same name and shape, never to be shipped.
 */
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { succeed } from "./execute.ts";

const DEBIAN = { suite: "bookworm", packages: "libstdc++6,ca-certificates", mirror: "http://deb.debian.org/debian" } as const;
const MAKE_TIMEOUT_MS = 600_000;
const CALL_TIMEOUT_MS = 300_000;
/** Packages and pages that Debian's slim images leave out too. */
const LEFT_OUT = ["var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/man"];
const LABEL = "dev.shopkeeper.recipe";

export type Buildah = (args: readonly string[], timeoutMs?: number) => Promise<string>;

/** Makes the image where it is missing or of another recipe. @throws {Error} with the words of the tool that failed. */
export async function provideBase(buildah: Buildah, name: string, cache: string): Promise<void> {
  const node = resolve(import.meta.dirname, `../../node_modules/node-linux-${process.arch}/bin/node`);
  const version = (await succeed(node, ["--version"], { timeoutMs: CALL_TIMEOUT_MS })).replace(/^v/, "");
  if (!name.includes(`:${version}-`)) throw new Error(`the base image ${name} is not of Node ${version}, which package.json has`);
  const recipe = createHash("sha256").update(JSON.stringify(DEBIAN)).update(await readFile(import.meta.filename)).digest("hex").slice(0, 16);
  const found = await buildah(["images", "--quiet", "--filter", `label=${LABEL}=${recipe}`, "--filter", `reference=${name}`]).catch(() => "");
  if (found !== "") return;
  process.stdout.write(`making ${name} by debootstrap: half a minute on an idle machine\n`);
  const folder = await mkdtemp(join(cache, "base-"));
  try {
    const root = join(folder, "root");
    await succeed("debootstrap", ["--variant=minbase", `--include=${DEBIAN.packages}`, DEBIAN.suite, root, DEBIAN.mirror], { timeoutMs: MAKE_TIMEOUT_MS });
    for (const path of LEFT_OUT) await rm(join(root, path), { recursive: true, force: true });
    await addNode(root, node);
    await commit(buildah, root, name, recipe);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function addNode(root: string, node: string): Promise<void> {
  const local = join(root, "usr/local");
  await mkdir(join(local, "lib/node_modules"), { recursive: true });
  await cp(node, join(local, "bin/node"));
  // .../npm/bin/npm-cli.js, whichever way npm was installed
  const program = await realpath(await succeed("sh", ["-c", "command -v npm"], { timeoutMs: CALL_TIMEOUT_MS }));
  await cp(dirname(dirname(program)), join(local, "lib/node_modules/npm"), { recursive: true, dereference: true });
  for (const name of ["npm", "npx"]) await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, "bin", name));
}

async function commit(buildah: Buildah, root: string, name: string, recipe: string): Promise<void> {
  const container = await buildah(["from", "scratch"]);
  try {
    await buildah(["copy", "--quiet", container, root, "/"], CALL_TIMEOUT_MS);
    await buildah(["config", "--label", `${LABEL}=${recipe}`, "--env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "--cmd", '["node"]', container]);
    await buildah(["commit", "--quiet", "--format", "docker", container, name], CALL_TIMEOUT_MS);
  } finally {
    await buildah(["rm", container]);
  }
}
