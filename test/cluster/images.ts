/**
 * Container images without a registry or a builder: an OCI archive of one layer, made
 * from a folder.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { arch, tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { findProgram } from "../support/provide-servers.ts";
import { tool } from "./tool.ts";

export type Image = {
  /** In full, as containerd knows it: "docker.io/library/shop:1". */
  readonly name: string;
  /** The folder that becomes `/`; owned by root within the image. */
  readonly root: string;
  readonly entrypoint: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly workingFolder?: string;
};

type Descriptor = { readonly mediaType: string; readonly digest: string; readonly size: number };

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64" };
/** The same folder gives the same digest, whoever made it and when. */
const REPEATABLE = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"];

/** Writes the archive to `file`; nodes take it by `load`. */
export async function writeImage(file: string, image: Image): Promise<void> {
  const layout = await mkdtemp(join(tmpdir(), "shopkeeper-image-"));
  try {
    await mkdir(join(layout, "blobs/sha256"), { recursive: true });
    const layer = await keepLayer(layout, image.root);
    const config = await keepJson(layout, "config.v1+json", {
      architecture: ARCHITECTURES[arch()] ?? arch(),
      os: "linux",
      config: { Entrypoint: image.entrypoint, Env: Object.entries({ PATH, ...image.env }).map(([name, value]) => `${name}=${value}`), WorkingDir: image.workingFolder ?? "/" },
      rootfs: { type: "layers", diff_ids: [layer.digest] },
    });
    const manifest = await keepJson(layout, "manifest.v1+json", { schemaVersion: 2, mediaType: media("manifest.v1+json"), config, layers: [layer] });
    const annotations = { "io.containerd.image.name": image.name, "org.opencontainers.image.ref.name": image.name };
    await writeFile(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }));
    await writeFile(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
    await tool("tar", ...REPEATABLE, "-cf", file, "-C", layout, "oci-layout", "index.json", "blobs");
  } finally {
    await rm(layout, { recursive: true, force: true });
  }
}

const media = (kind: string): string => `application/vnd.oci.image.${kind}`;

async function keepLayer(layout: string, root: string): Promise<Descriptor> {
  const file = join(layout, "layer.tar");
  await tool("tar", ...REPEATABLE, "-cf", file, "-C", root, ".");
  return keep(layout, file, "layer.v1.tar");
}

async function keepJson(layout: string, kind: string, value: object): Promise<Descriptor> {
  const file = join(layout, "one.json");
  await writeFile(file, JSON.stringify(value));
  return keep(layout, file, kind);
}

/** Moves a file to where its digest says. */
async function keep(layout: string, file: string, kind: string): Promise<Descriptor> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  const sum = hash.digest("hex");
  const { size } = await stat(file);
  await rename(file, join(layout, "blobs/sha256", sum));
  return { mediaType: media(kind), digest: `sha256:${sum}`, size };
}

/** Fills a folder with a system of one program, statically linked: a shell and all that busybox has. */
export async function busyboxRoot(folder: string): Promise<void> {
  const busybox = findProgram("busybox");
  if (busybox === null) throw new Error("busybox is not installed: apt-get install busybox-static");
  for (const name of ["bin", "etc", "tmp", "proc", "sys", "dev"]) await mkdir(join(folder, name), { recursive: true });
  await chmod(join(folder, "tmp"), 0o1777);
  await copyFile(busybox, join(folder, "bin/busybox"));
  const applets = (await tool(busybox, "--list")).trim().split("\n");
  await Promise.all(applets.filter((name) => name !== "busybox").map((name) => symlink("busybox", join(folder, "bin", name))));
}
