/** What the adapters' contract suites stand on: a real API server that can be asked, killed and frozen, and leaves nothing. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isRunning, readStat } from "../../src/adapters/proc-files.ts";
import { startApiServer, type ApiServer } from "./api-server.ts";
import { answers, createAsk } from "./ask.ts";
import { lacking } from "./needs.ts";
import { holds } from "./processes.ts";

const NAMESPACES = "/api/v1/namespaces";
const namespace = (name: string): object => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });

function runs(pid: number): boolean {
  const stat = readStat(pid);
  return stat !== null && isRunning(stat);
}

type AuditEntry = { readonly verb: string; readonly user: { readonly username: string }; readonly objectRef?: { readonly name?: string }; readonly responseStatus: { readonly code: number } };

function readAudit(file: string): readonly AuditEntry[] {
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as AuditEntry);
}

describe.skipIf(lacking("api").length > 0)("an API server of a test's own", () => {
  let api: ApiServer;
  beforeAll(async () => {
    api = await startApiServer();
  });
  afterAll(() => api.stop());

  test("is ready, and says which Kubernetes it is", async () => {
    expect((await api.ask("GET", "/readyz")).body).toBe("ok");
    expect((await api.ask("GET", "/version")).body).toMatchObject({ gitVersion: expect.stringMatching(/^v1\.\d+\.\d+/) });
  });

  test("writes down who changed what, and nothing of reads", async () => {
    await api.ask("POST", NAMESPACES, namespace("written"));
    await api.ask("GET", `${NAMESPACES}/written`);
    const entries = readAudit(api.auditLog);
    expect(entries.filter(({ objectRef }) => objectRef?.name === "written")).toMatchObject([{ verb: "create", user: { username: "admin" }, responseStatus: { code: 201 } }]);
    expect(entries.filter(({ verb }) => verb === "get" || verb === "list" || verb === "watch")).toEqual([]);
  });

  test("refuses those who do not say who they are", async () => {
    const stranger = createAsk({ server: api.server, ca: api.ca, token: "not-a-token" });
    expect((await stranger("GET", NAMESPACES)).status).toBe(401);
  });

  test("keeps its data over a crash and a restart", async () => {
    await api.ask("POST", NAMESPACES, namespace("kept"));
    await api.kill();
    expect(await answers(api.ask, "/readyz")).toBe(false);
    await api.restart();
    expect((await api.ask("GET", `${NAMESPACES}/kept`)).status).toBe(200);
  });

  test("does not answer while it is frozen, and does again when thawed", async () => {
    const inHaste = createAsk({ server: api.server, ca: api.ca, token: api.adminToken, deadlineMs: 200 });
    api.freeze();
    await expect(inHaste("GET", "/readyz")).rejects.toThrow("no answer to GET /readyz within 200 ms");
    api.thaw();
    expect((await api.ask("GET", "/readyz")).status).toBe(200);
  });
});

describe.skipIf(lacking("controllers").length > 0)("an API server with controllers", () => {
  test("gives a pod its ServiceAccount, and leaves no process and no folder when stopped", async () => {
    const api = await startApiServer({ controllers: true });
    const pids = api.pids();
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "one" }, spec: { containers: [{ name: "app", image: "none" }] } };
    expect(await api.ask("POST", `${NAMESPACES}/default/pods`, pod)).toMatchObject({ status: 201, body: { spec: { serviceAccountName: "default" } } });
    expect(pids).toHaveLength(3);
    await api.stop();
    expect(pids.filter(runs)).toEqual([]);
    expect(existsSync(dirname(api.kubeconfig))).toBe(false);
  });
});

describe.skipIf(lacking("api").length > 0)("an API server whose test is killed", () => {
  test("is ended by the kernel", async () => {
    const script = `import { startApiServer } from ${JSON.stringify(join(import.meta.dirname, "api-server.ts"))};
      const { pids, kubeconfig } = await startApiServer();
      console.log(JSON.stringify({ pids: pids(), kubeconfig }));
      setInterval(() => {}, 1_000_000);`;
    const starter = spawn(process.execPath, ["--input-type=module", "--eval", script], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(createInterface({ input: starter.stdout }), "line")) as [string];
    const { pids, kubeconfig } = JSON.parse(line) as { pids: number[]; kubeconfig: string };
    expect(pids).toHaveLength(2);
    starter.kill("SIGKILL");
    expect(await holds(() => !pids.some(runs), 10_000)).toBe(true);
    rmSync(dirname(kubeconfig), { recursive: true });
  });
});
