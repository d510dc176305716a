import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { run } from "./recording-terminal.ts";

let folder: string;
let server: Server | null = null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "shopkeeper-cli-"));
});
afterEach(async () => {
  if (server !== null) await new Promise((done) => server?.close(done));
  server = null;
  await rm(folder, { recursive: true, force: true });
});

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

/** What was seen without how long it took. */
function steady(text: string): string {
  return text.replace(/\d+(\.\d+)?m?s/, "Nms").replaceAll(/ {2,}/g, "  ");
}

/** A small real server; the site that watches it with one check of our own. */
async function watched(answer: (req: IncomingMessage, res: ServerResponse) => void, checks = 'http_status: "200 OK"'): Promise<string> {
  server = createServer(answer);
  await new Promise<void>((done) => server?.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  await write({
    "shopkeeper.yaml": `site: shop\ntargets: { app: { url: "http://127.0.0.1:${port}" } }\nconnectivity: []\n`,
    "checks/application.yaml": `name: application\nprobe: http\nendpoint: /health\ninterval: 10s\ntimeout: 2s\nchecks:\n  ${checks}\n`,
  });
  return `127.0.0.1:${port}`;
}

describe("check", () => {
  test("healthy is 0", async () => {
    await watched((_req, res) => res.end("{}"));
    const { code, out } = await run(["check", "application"], { cwd: folder });
    expect(steady(out)).toMatchInlineSnapshot(`
      "CHECK  TARGET  SEEN  TOOK  DETAIL
      application  app  pass  Nms  http_status 200
      "
    `);
    expect(code).toBe(0);
  });

  test("a warning is 1", async () => {
    await watched((_req, res) => res.end('{"memory_usage": 93}'), 'memory_usage: "< 80%"');
    const { code, out } = await run(["check", "application"], { cwd: folder });
    expect(out).toContain("93%");
    expect(code).toBe(1);
  });

  test("a failure is 2", async () => {
    await watched((_req, res) => res.writeHead(503).end("down"));
    const { code, out } = await run(["check", "application"], { cwd: folder });
    expect(steady(out)).toMatchInlineSnapshot(`
      "CHECK  TARGET  SEEN  TOOK  DETAIL
      application  app  fail  Nms  status: http_status is 503, expected 200 OK
      "
    `);
    expect(code).toBe(2);
  });

  test("what cannot be seen is 3", async () => {
    await watched((_req, res) => res.writeHead(429).end());
    expect((await run(["check", "application"], { cwd: folder })).code).toBe(3);
  });

  test("an unknown check is 3 and names the near one", async () => {
    await watched((_req, res) => res.end());
    expect(await run(["check", "aplication"], { cwd: folder })).toMatchObject({ code: 3, out: "", err: expect.stringContaining('did you mean "application"?') });
  });

  test("a configuration that is not valid is 3, not 2: it says nothing about the shop", async () => {
    await write({ "shopkeeper.yaml": "sight: shop\n" });
    expect(await run(["check"], { cwd: folder })).toMatchObject({ code: 3, out: "", err: expect.stringContaining(":1:1: error:") });
  });

  test("--json is stable", async () => {
    await watched((_req, res) => res.writeHead(503).end("down"));
    const { code, out } = await run(["check", "--json", "application"], { cwd: folder });
    expect(code).toBe(2);
    const seen = JSON.parse(out) as object;
    expect(Object.keys(seen)).toEqual(["status", "checks"]);
    expect(seen).toMatchObject({ status: "unhealthy", checks: [{ check: "application", target: "app", critical: true, inactive: null, seen: { kind: "fail", cause: "status", findings: [{ assertion: "http_status", level: "fail", observed: "503" }] } }] });
  });

  test("inactive checks are shown with the reason and do not count", async () => {
    await watched((_req, res) => res.end("{}"));
    const { code, out } = await run(["check", "application", "dependencies"], { cwd: folder });
    expect(out).toMatch(/dependencies +inactive +.*redis/);
    expect(code).toBe(0);
  });
});

describe("check, where our own network may be gone", () => {
  /** Port 1 is nobody's here: it answers at once that it is closed. */
  const CLOSED = 'connectivity: ["127.0.0.1:1", "127.0.0.1:2"]\n';
  /** 0.0.0.0 leads here, though it is no loopback address: so what is asked there counts as beyond this host. */
  const BEYOND = "name: beyond\nprobe: http\nurl: http://0.0.0.0:PORT/\ninterval: 10s\ntimeout: 2s\n";

  async function shop(status: number, connectivity: string): Promise<void> {
    const address = await watched((_req, res) => res.writeHead(status).end("{}"));
    const port = address.split(":")[1] ?? "";
    await write({
      "shopkeeper.yaml": `site: shop\ntargets: { app: { url: "http://${address}" } }\n${connectivity.replaceAll("PORT", port)}`,
      "checks/beyond.yaml": BEYOND.replace("PORT", port),
    });
  }

  test("while no reference answers, what fails beyond this host is unknown and 3", async () => {
    await shop(503, CLOSED);
    const { code, out } = await run(["check", "beyond"], { cwd: folder });
    expect(out).toMatch(/beyond +app +unknown .*no_network: no reference host answers from here; seen: .*503/);
    expect(code).toBe(3);
  });

  test("what fails on this host is still a failure", async () => {
    await shop(503, CLOSED);
    const { code, out } = await run(["check", "application", "beyond"], { cwd: folder });
    expect(out).toMatch(/application +app +fail/);
    expect(out).toMatch(/beyond +app +unknown/);
    expect(code).toBe(2);
  });

  test("what is reached all the same is well", async () => {
    await shop(200, CLOSED);
    expect((await run(["check", "beyond"], { cwd: folder })).code).toBe(0);
  });

  test.each([
    ["one of two references answers", 'connectivity: ["127.0.0.1:1", "127.0.0.1:PORT"]\n'],
    ["there is no guard", "connectivity: []\n"],
  ])("when %s, a failure is the shop's", async (_when, connectivity) => {
    await shop(503, connectivity);
    const { code, out } = await run(["check", "beyond"], { cwd: folder });
    expect(out).toMatch(/beyond +app +fail/);
    expect(code).toBe(2);
  });
});
