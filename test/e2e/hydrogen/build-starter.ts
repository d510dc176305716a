/**
 * Builds the official Hydrogen starter, once, into a cache folder.
 *
 * The starter comes from Shopify's own npm package, unchanged but for its
 * package.json: lint, code generation and the Shopify CLI are left out, the
 * tools that stay are pinned, and the package that serves it on plain Node is
 * added. Nothing of Shopify's is kept in this repository.
 *
 * `node test/e2e/hydrogen/build-starter.ts` builds it and prints the folder.
 */
import { createHash } from "node:crypto";
import { access, cp, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { codeOf, tryLock } from "./build-lock.ts";
import { runTool } from "./run-tool.ts";

/** Everything that decides what is built; the cache folder is named by its digest. */
const RECIPE = {
  starter: "@shopify/cli-hydrogen@13.0.4",
  /** Where the starter lies in that package. */
  template: "package/dist/assets/hydrogen/starter",
  /** The starter's own fields that only lint, code generation and the CLI use. */
  drop: ["devDependencies", "scripts"],
  dependencies: { "@remix-run/node-fetch-server": "0.13.3" },
  devDependencies: {
    "@react-router/dev": "7.16.0",
    "@react-router/fs-routes": "7.16.0",
    "@shopify/mini-oxygen": "4.2.2",
    typescript: "5.9.3",
    vite: "8.3.8",
  },
  build: ["node_modules/.bin/react-router", "build"],
  node: process.versions.node.split(".")[0],
} as const;

const SERVER_BUNDLE = "dist/server/index.js";
const SCHEMA = "node_modules/@shopify/hydrogen/dist/storefront.schema.json";

const PACK_TIMEOUT_MS = 120_000;
const INSTALL_TIMEOUT_MS = 300_000;
const BUILD_TIMEOUT_MS = 180_000;
/** How long to wait for another process that is building the same. */
const WAIT_FOR_OTHER_MS = 600_000;
const POLL_MS = 500;

export type Starter = {
  /** The built application: `dist/`, and the `node_modules` it is served with. */
  readonly folder: string;
  /** Introspection JSON of the Storefront API version the starter is built for. */
  readonly schemaFile: string;
};

/** `NPM_FAILED`: the packages cannot be had. `BUILD_FAILED`: they can, and do not build. `BUSY`: another process has been building for too long. */
export type StarterErrorCode = "NPM_FAILED" | "BUILD_FAILED" | "BUSY";

/** Why there is no starter to test against. `code` is stable; `message` says which step failed, and how it ended. */
export class StarterError extends Error {
  override readonly name = "StarterError";
  readonly code: StarterErrorCode;

  constructor(code: StarterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export type BuildOptions = {
  /** Told what is being done, a line at a time. Standard error by default. */
  readonly progress?: (line: string) => void;
};

/**
 * The built starter, from the cache or built now (about half a minute).
 *
 * The cache is `shopkeeper-hydrogen` in `XDG_CACHE_HOME` or `~/.cache`, which all
 * clones share; or `hydrogen` in `SHOPKEEPER_CACHE_DIR`. A folder appears there
 * complete or not at all; processes that ask at the same time wait for one of
 * them to build.
 *
 * @throws {StarterError}
 */
export async function buildStarter({ progress = toStandardError }: BuildOptions = {}): Promise<Starter> {
  const cache = cacheFolder();
  const folder = path.join(cache, createHash("sha256").update(JSON.stringify(RECIPE)).digest("hex").slice(0, 16));
  await mkdir(cache, { recursive: true });
  const polls = WAIT_FOR_OTHER_MS / POLL_MS;
  for (let poll = 0; poll < polls; poll += 1) {
    if (await exists(path.join(folder, SERVER_BUNDLE))) return { folder, schemaFile: path.join(folder, SCHEMA) };
    await using lock = await tryLock(`${folder}.lock`);
    if (lock) await build(cache, folder, progress);
    else {
      if (poll === 0) progress("another process is building the Hydrogen starter; waiting for it");
      await pause(POLL_MS);
    }
  }
  throw new StarterError("BUSY", `another process has held ${folder}.lock for ${WAIT_FOR_OTHER_MS / 60_000} min`);
}

/** What a test suite can do about the starter. */
export type FoundStarter = { readonly kind: "ready"; readonly starter: Starter } | { readonly kind: "missing"; readonly reason: string };

/**
 * The starter for a test suite: `missing`, with the reason to show, where npm cannot deliver it.
 *
 * @throws {StarterError} for a starter that does not build, and for any failure when `CI` is set:
 *   there a suite that silently did not run would look like one that passed.
 */
export async function findStarter({ progress = toStandardError }: BuildOptions = {}): Promise<FoundStarter> {
  try {
    return { kind: "ready", starter: await buildStarter({ progress }) };
  } catch (error) {
    if (process.env["CI"] || !(error instanceof StarterError) || error.code !== "NPM_FAILED") throw error;
    progress(`cannot be had, its tests are skipped: ${error.message}`);
    return { kind: "missing", reason: error.message.split("\n", 1).join("") };
  }
}

function cacheFolder(): string {
  const { SHOPKEEPER_CACHE_DIR: own, XDG_CACHE_HOME: shared = path.join(homedir(), ".cache") } = process.env;
  return own === undefined ? path.join(shared, "shopkeeper-hydrogen") : path.resolve(own, "hydrogen");
}

async function build(cache: string, folder: string, progress: (line: string) => void): Promise<void> {
  const scratch = await mkdtemp(path.join(cache, "building-"));
  try {
    progress(`fetching ${RECIPE.starter}`);
    const app = await fetchStarter(scratch);
    progress("installing the starter's packages");
    await npm(app, ["install", "--no-package-lock", "--ignore-scripts", "--loglevel=error", "--include=dev"], INSTALL_TIMEOUT_MS);
    progress("building the starter");
    await bundle(app);
    await npm(app, ["prune", "--omit=dev", "--no-package-lock", "--ignore-scripts", "--loglevel=error"], INSTALL_TIMEOUT_MS);
    await moveInto(app, folder);
    progress(`built the Hydrogen starter in ${folder}`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Fetches and unpacks the starter, and rewrites its package.json by the recipe. Returns its folder. */
async function fetchStarter(scratch: string): Promise<string> {
  await npm(scratch, ["pack", "--loglevel=error", RECIPE.starter], PACK_TIMEOUT_MS);
  const tarball = (await readdir(scratch)).find((name) => name.endsWith(".tgz"));
  if (tarball === undefined) throw new StarterError("NPM_FAILED", `npm pack ${RECIPE.starter} left no tarball`);
  const unpacked = await runTool("tar", ["-xzf", tarball, RECIPE.template], { folder: scratch, timeoutMs: PACK_TIMEOUT_MS });
  if (unpacked.kind === "failed") throw new StarterError("NPM_FAILED", `cannot unpack ${tarball}: ${unpacked.problem}\n${unpacked.output}`);

  const app = path.join(scratch, "app");
  await cp(path.join(scratch, RECIPE.template), app, { recursive: true });
  const manifestFile = path.join(app, "package.json");
  const manifest = JSON.parse(await readFile(manifestFile, "utf8")) as Record<string, unknown> & { dependencies?: object };
  for (const field of RECIPE.drop) delete manifest[field];
  const dependencies = { ...manifest.dependencies, ...RECIPE.dependencies };
  await writeFile(manifestFile, JSON.stringify({ ...manifest, dependencies, devDependencies: RECIPE.devDependencies }, null, 2));
  return app;
}

async function bundle(app: string): Promise<void> {
  const built = await runTool(process.execPath, RECIPE.build, {
    folder: app,
    timeoutMs: BUILD_TIMEOUT_MS,
    env: { NODE_ENV: "production" },
  });
  if (built.kind === "failed") throw new StarterError("BUILD_FAILED", `react-router build: ${built.problem}\n${built.output}`);
  for (const file of [SERVER_BUNDLE, SCHEMA]) {
    if (!(await exists(path.join(app, file)))) throw new StarterError("BUILD_FAILED", `the build left no ${file}`);
  }
}

async function npm(folder: string, args: readonly string[], timeoutMs: number): Promise<void> {
  const quiet = { npm_config_audit: "false", npm_config_fund: "false", npm_config_update_notifier: "false" };
  const result = await runTool("npm", args, { folder, timeoutMs, env: quiet });
  if (result.kind === "failed") throw new StarterError("NPM_FAILED", `npm ${args.join(" ")}: ${result.problem}\n${result.output}`);
}

/** Whoever renames first wins; a second build of the same is the same and is thrown away. */
async function moveInto(app: string, folder: string): Promise<void> {
  try {
    await rename(app, folder);
  } catch (error) {
    const code = codeOf(error);
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

function toStandardError(line: string): void {
  process.stderr.write(`hydrogen starter: ${line}\n`);
}

if (import.meta.main) process.stdout.write(`${(await buildStarter()).folder}\n`);
