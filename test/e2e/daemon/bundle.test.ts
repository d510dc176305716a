/**
 * What ships: the bundle alone, in a folder that knows nothing of the checkout.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createInstallation, freePorts, listeners, startDaemon, until } from "../support/daemon.ts";

const ROOT = path.join(import.meta.dirname, "../../..");
const APPLICATION = path.join(import.meta.dirname, "application.ts");
const folder = mkdtempSync(path.join(tmpdir(), "shopkeeper-bundle-"));
const bundle = path.join(folder, "shopkeeper.mjs");

beforeAll(() => {
  const built = spawnSync(process.execPath, ["build.ts", folder], { cwd: ROOT, encoding: "utf8" });
  if (built.status !== 0) throw new Error(built.stderr);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function shopkeeper(...args: readonly string[]): { readonly code: number | null; readonly out: string; readonly err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bundle, ...args], { cwd: folder, encoding: "utf8", env: { PATH: process.env["PATH"] }, timeout: 60_000 });
  return { code: status, out: stdout, err: stderr };
}

describe("the bundle by itself", () => {
  test("runs: keeps the application, passes buyers on, tells its health and metrics, ends in order", async (context) => {
    const [port = 0] = await freePorts(1);
    await using installation = await createInstallation("small", {
      "shopkeeper.yaml": `site: small
targets:
  app:
    url: http://127.0.0.1:${port}
    process: { command: ${JSON.stringify([process.execPath, APPLICATION, "--port", String(port)])}, log_file: app.log, on_exit: stop }
gateway: { listen: "127.0.0.1:0" }
${listeners()}`,
    }, context.onTestFailed);
    await using daemon = await startDaemon(installation, bundle);
    await until("the application answers through the gateway", async () => (await fetch(daemon.url)).ok);
    expect(await (await fetch(daemon.url)).text()).toContain("<h1>Open</h1>");
    await until("it is judged healthy", async () => (await daemon.status()).looks.some((look) => look.check === "application" && look.verdict === "healthy"));
    const metrics = await daemon.metrics();
    expect(metrics).toContain('shopkeeper_check_status{check="application"} 0');
    expect(metrics).toMatch(/^http_requests_total\{[^}]*status="200"[^}]*\} \d+$/m);
    expect(await daemon.stop()).toEqual({ code: 0, signal: null });
    expect(await installation.pids("app")).toEqual([]);
  });

  test("simulates a shipped scenario, writes its schemas, and names what is wrong in a configuration", () => {
    const simulated = shopkeeper("simulate", path.join(folder, "scenarios/crash.yaml"));
    expect(simulated).toMatchObject({ code: 0, err: "" });
    expect(simulated.out).toContain("restart_process");
    expect(JSON.parse(shopkeeper("schema", "check").out)).toMatchObject({ title: "Shopkeeper: check" });
    expect(shopkeeper("validate", "--config", "nowhere.yaml")).toMatchObject({ code: 2 });
  });
});
