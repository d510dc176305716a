/**
 * buildah and runc, without a daemon and without a registry. Everything they keep stands in one
 * cache folder, which one suite at a time may use.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { tryLock } from "../e2e/hydrogen/build-lock.ts";
import { provideBase, type Buildah } from "./base-image.ts";
import { BASE, BUILD_TIMEOUT_MS, RUN_TIMEOUT_MS, TAG, type ContainerTool, type ImageConfig, type RunOptions } from "./container-tool.ts";
import { execute, succeed, type Ran } from "./execute.ts";
import { withNpmSettings } from "./npm-settings.ts";

/** How long to wait for another suite that uses the cache. */
const WAIT_FOR_OTHER_MS = 600_000;
const POLL_MS = 500;
const CALL_TIMEOUT_MS = 120_000;

/** Opens the cache folder; makes the base image where it is not there yet. */
export async function openBuildah(): Promise<ContainerTool> {
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "shopkeeper-image");
  await mkdir(cache, { recursive: true });
  const lock = await lockOf(join(cache, "lock"));
  const settings = ["--root", join(cache, "storage"), "--runroot", join(cache, "run"), "--storage-driver", "vfs"];
  const buildah: Buildah = (args, timeoutMs = CALL_TIMEOUT_MS) => succeed("buildah", [...settings, ...args], { timeoutMs });
  try {
    // What a suite that was killed left behind.
    await buildah(["rm", "--all"]);
    await provideBase(buildah, BASE, cache);
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
  return new BuildahTool(buildah, lock);
}

async function lockOf(folder: string): Promise<AsyncDisposable> {
  const end = performance.now() + WAIT_FOR_OTHER_MS;
  for (;;) {
    const lock = await tryLock(folder);
    if (lock !== null) return lock;
    if (performance.now() > end) throw new Error(`another suite has been using ${folder} for ${WAIT_FOR_OTHER_MS / 60_000} minutes`);
    await pause(POLL_MS);
  }
}

class BuildahTool implements ContainerTool {
  readonly name = "buildah";
  readonly #buildah: Buildah;
  readonly #lock: AsyncDisposable;
  #root: string | null = null;

  constructor(buildah: Buildah, lock: AsyncDisposable) {
    this.#buildah = buildah;
    this.#lock = lock;
  }

  /** Host's network: npm's registry may be reached through this machine only. Docker's format, since OCI's has no HEALTHCHECK. */
  async build(folder: string, tag = TAG): Promise<void> {
    const settings = ["--isolation", "chroot", "--pull-never", "--format", "docker", "--network", "host"];
    await withNpmSettings((file) => this.#buildah(["bud", ...settings, "--secret", `id=npmrc,src=${file}`, "--tag", tag, folder], BUILD_TIMEOUT_MS));
    // Images of earlier builds, which have no name any more.
    await this.#buildah(["rmi", "--prune"]);
  }

  async save(tag: string, name: string, file: string): Promise<void> {
    await this.#buildah(["push", "--quiet", tag, `docker-archive:${file}:${name}`], BUILD_TIMEOUT_MS);
  }

  async inspect(): Promise<ImageConfig> {
    const { Docker } = JSON.parse(await this.#buildah(["inspect", "--type", "image", TAG])) as { Docker: { config: ImageConfig } };
    return Docker.config;
  }

  async sizes(): Promise<{ readonly base: number; readonly image: number }> {
    const bytes = async (root: string): Promise<number> => Number((await succeed("du", ["-sb", root], { timeoutMs: CALL_TIMEOUT_MS })).split("\t")[0]);
    const container = await this.#buildah(["from", "--pull-never", BASE]);
    return { base: await bytes(await this.#buildah(["mount", container])), image: await bytes(await this.#rootfs()) };
  }

  async run(options: RunOptions): Promise<Ran> {
    const bundle = await mkdtemp(join(tmpdir(), "shopkeeper-run-"));
    try {
      const spec = runtimeSpec(await this.#rootfs(), await this.inspect(), options);
      await writeFile(join(bundle, "config.json"), JSON.stringify(spec));
      return await execute("runc", ["--root", join(bundle, "state"), "run", "--bundle", bundle, `shopkeeper-${bundle.slice(-6)}`], { timeoutMs: RUN_TIMEOUT_MS });
    } finally {
      await rm(bundle, { recursive: true, force: true });
    }
  }

  async #rootfs(): Promise<string> {
    this.#root ??= await this.#buildah(["mount", await this.#buildah(["from", "--pull-never", TAG])]);
    return this.#root;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#buildah(["rm", "--all"]);
    } finally {
      await this.#lock[Symbol.asyncDispose]();
    }
  }
}

/** As a Restricted pod with a read-only root is run. https://github.com/opencontainers/runtime-spec */
function runtimeSpec(root: string, config: ImageConfig, { command, configuration, env = {} }: RunOptions): unknown {
  const [uid, gid] = config.User.split(":").map(Number);
  return {
    ociVersion: "1.0.2",
    process: {
      user: { uid, gid },
      args: command,
      env: [...config.Env, ...Object.entries(env).map(([key, value]) => `${key}=${value}`)],
      cwd: config.WorkingDir,
      noNewPrivileges: true,
      capabilities: { bounding: [], effective: [], permitted: [] },
    },
    root: { path: root, readonly: true },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=64k"] },
      ...(configuration === undefined ? [] : [{ destination: "/etc/shopkeeper", type: "bind", source: configuration, options: ["bind", "ro"] }]),
    ],
    linux: { namespaces: ["pid", "mount", "ipc", "uts", "network"].map((type) => ({ type })) },
  };
}
