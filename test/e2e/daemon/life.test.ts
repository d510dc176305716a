/**
 * The real daemon over a small application: what becomes of the application when the
 * daemon dies, is stopped, or cannot start.
 */
import { createServer } from "node:http";
import { once } from "node:events";
import path from "node:path";
import type { TestContext } from "vitest";
import { expect, test } from "vitest";
import { createInstallation, freePorts, type Installation, isAlive, listeners, runShopkeeper, startDaemon, until } from "../support/daemon.ts";

const APPLICATION = path.join(import.meta.dirname, "application.ts");

type Site = AsyncDisposable & { readonly installation: Installation; readonly appUrl: string; readonly appPid: () => Promise<number> };

/** A site with one kept application. `rest` ends the file: its listeners at least. */
async function createSite({ onTestFailed }: Pick<TestContext, "onTestFailed">, { onExit = "leave", rest = listeners() }: { readonly onExit?: "leave" | "stop"; readonly rest?: string } = {}): Promise<Site> {
  const [port = 0] = await freePorts(1);
  const installation = await createInstallation("small", {
    "shopkeeper.yaml": `site: small
targets:
  app:
    url: http://127.0.0.1:${port}
    process:
      command: ${JSON.stringify([process.execPath, APPLICATION, "--port", String(port)])}
      log_file: app.log
      on_exit: ${onExit}
${rest}`,
  }, onTestFailed);
  const appUrl = `http://127.0.0.1:${port}`;
  return {
    installation,
    appUrl,
    appPid: async () => Number(await (await fetch(`${appUrl}/pid`, { signal: AbortSignal.timeout(5_000) })).text()),
    [Symbol.asyncDispose]: () => installation[Symbol.asyncDispose](),
  };
}

test("killed with SIGKILL, the daemon leaves its application running, and the next one adopts it", async (context) => {
  await using site = await createSite(context);
  await using first = await startDaemon(site.installation);
  const pid = await until("the application answers", () => site.appPid().catch(() => null));
  first.kill("SIGKILL");
  expect(await first.exited).toEqual({ code: null, signal: "SIGKILL" });
  expect(await site.appPid()).toBe(pid);

  await using second = await startDaemon(site.installation);
  await until("the application is judged healthy", async () => (await second.status()).looks.some((look) => look.check === "application" && look.verdict === "healthy"));
  expect(await site.installation.pids("app")).toEqual([pid]);
  expect(await site.appPid()).toBe(pid);
  const starts = (await second.ledger()).filter((entry) => entry.kind === "intent");
  // One start in both lives.
  expect(starts).toHaveLength(1);

  // An adopted process is kept like one's own.
  process.kill(pid, "SIGKILL");
  const next = await until("it is started again", async () => (await site.installation.pids("app")).find((one) => one !== pid));
  expect(isAlive(next)).toBe(true);
  expect(await site.installation.pids("app")).toHaveLength(1);
});

test.for([["leave", true], ["stop", false]] as const)("on SIGTERM the daemon exits 0, and with on_exit: %s its application lives on: %s", async ([onExit, lives], context) => {
  await using site = await createSite(context, { onExit });
  await using daemon = await startDaemon(site.installation);
  const pid = await until("the application answers", () => site.appPid().catch(() => null));
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });
  expect(isAlive(pid)).toBe(lives);
  await expect(fetch(`${daemon.healthUrl}/health/live`)).rejects.toThrow("fetch failed");
});

test("on SIGTERM a request under way is answered before the daemon ends", async (context) => {
  await using site = await createSite(context, { onExit: "stop", rest: `gateway:\n  listen: 127.0.0.1:0\n${listeners()}` });
  await using daemon = await startDaemon(site.installation);
  await until("the application answers through the gateway", async () => (await fetch(daemon.url)).ok);
  const underWay = fetch(`${daemon.url}/slow`, { signal: AbortSignal.timeout(20_000) }).then((response) => response.text());
  await until("the application has the request", async () => Number(await (await fetch(`${site.appUrl}/waiting`)).text()));
  const exit = daemon.stop();
  expect(await underWay).toContain("<h1>Open</h1>");
  expect(await exit).toEqual({ code: 0, signal: null });
});

test("a configuration with errors ends with 2 and says file, line and column of each", async (context) => {
  await using installation = await createInstallation("wrong", { "shopkeeper.yaml": "site: wrong\ntargets:\n  app:\n    urll: http://127.0.0.1:1\nconectivity: []\n" }, context.onTestFailed);
  expect(await runShopkeeper(installation).exited).toEqual({ code: 2, signal: null });
  const said = installation.log();
  expect(said).toContain(`${installation.folder}/shopkeeper.yaml:4:5: error`);
  expect(said).toContain("did you mean url?");
  expect(said).toContain(`${installation.folder}/shopkeeper.yaml:5:1: error`);
  expect(said).toContain("did you mean connectivity?");
});

test.for(["gateway", "health", "admin"] as const)("with the %s port in use the daemon says so, ends with an error, and leaves nothing running", async (listener, context) => {
  await using stack = new AsyncDisposableStack();
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  stack.defer(async () => void (await once(taken.close(), "close")));
  const address = taken.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const rest = listener === "gateway" ? `gateway:\n  listen: 127.0.0.1:${port}\n${listeners()}` : listeners({ [listener]: port });
  const site = stack.use(await createSite(context, { onExit: "stop", rest }));
  const exit = await runShopkeeper(site.installation).exited;
  expect(exit.signal).toBe(null);
  expect(exit.code).not.toBe(0);
  expect(site.installation.log()).toMatch(/EADDRINUSE|in use/);
  expect(site.installation.log()).toContain(String(port));
  expect(await site.installation.pids("app")).toEqual([]);
});
