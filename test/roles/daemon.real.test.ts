import { readFile, stat } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, test } from "vitest";
import { checkFile, endShop, keepShop, runDaemon, siteFile, stopped, TOKEN, until, type KeptShop, type LogLine } from "./kept-shop.ts";

const shops: KeptShop[] = [];

afterEach(async () => {
  for (const shop of shops.splice(0)) await endShop(shop);
});

async function keep(...options: Parameters<typeof keepShop>): Promise<KeptShop> {
  const shop = await keepShop(...options);
  shops.push(shop);
  return shop;
}

function reloads(shop: KeptShop): readonly LogLine[] {
  return shop.log().filter((line) => line.event === "reload" && line.taken !== undefined);
}

/** Waits for the next reload after those there were. */
function reloaded(shop: KeptShop, before: number): Promise<LogLine> {
  return until("the configuration was read again", () => reloads(shop)[before]);
}

/** Milliseconds from the last look of the application check to the next one. */
async function pace(shop: KeptShop): Promise<number | undefined> {
  const look = (await shop.status()).looks.find((one) => one.check === "application");
  return look?.last === null || look?.last === undefined || look.nextLookAt === null ? undefined : look.nextLookAt - look.last.at;
}

/** Its check says so, and so does its pulse: a lost one holds the breaker, and there may be no copy yet. */
async function healthy(shop: KeptShop): Promise<void> {
  await until("the application check is healthy and the breaker closed", async () => {
    const { looks, breakers } = await shop.status();
    return (looks.some((look) => look.check === "application" && look.verdict === "healthy") && breakers.every((breaker) => breaker.effective === "closed")) || undefined;
  });
}

/** Asks for a page all the time until told to stop; what did not come back with 200. */
function streamOfBuyers(shop: KeptShop): () => Promise<{ readonly asked: number; readonly failed: readonly string[] }> {
  const failed: string[] = [];
  let asked = 0;
  let going = true;
  const run = (async () => {
    while (going) {
      asked += 1;
      const seen = await shop.page("/collections/all").then((page) => String(page.status), String);
      if (seen !== "200") failed.push(seen);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return async () => {
    going = false;
    await run;
    return { asked, failed };
  };
}

describe("a changed configuration", () => {
  test("is taken while it runs: the new interval holds, application, gateway, pauses and buyers go on", async () => {
    const shop = await keep();
    await healthy(shop);
    const pid = await shop.appPid();
    await until("a page is served", async () => ((await shop.page("/")).status === 200 ? true : undefined));
    expect(await shop.order("pause", { scope: "policy:failover", why: "moving DNS" })).toMatchObject({ kind: "done" });
    const buyers = streamOfBuyers(shop);
    const before = reloads(shop).length;

    await shop.write("checks/application.yaml", checkFile("6s"));
    expect((await reloaded(shop, before)).taken).toBe(true);
    await until("the check waits for its new interval", async () => ((await pace(shop)) ?? 0) > 4_000 || undefined);
    expect(await shop.appPid()).toBe(pid);
    expect((await shop.status()).pauses).toEqual([expect.objectContaining({ by: "ada", why: "moving DNS" })]);
    const { asked, failed } = await buyers();
    expect(asked).toBeGreaterThan(0);
    expect(failed).toEqual([]);
    expect((await shop.ledger()).filter((entry) => entry.kind === "intent" && entry.text.includes("restart"))).toHaveLength(1);
  });

  test("that is not valid is refused with every error, by change and by SIGHUP; the old one stays", async () => {
    const shop = await keep();
    await healthy(shop);
    const pid = await shop.appPid();
    await shop.write("checks/application.yaml", checkFile("1s").replace("interval: 1s", "intervall: 1s\ntimeouts: 3s"));

    const line = await reloaded(shop, 0);
    expect(line).toMatchObject({ level: 50, taken: false });
    expect(line.errors).toEqual([expect.stringMatching(/application\.yaml:4:1: .*intervall.*did you mean interval\?$/), expect.stringMatching(/application\.yaml:5:1: .*timeouts.*did you mean timeout\?$/)]);
    shop.child.kill("SIGHUP");
    expect((await reloaded(shop, 1)).errors).toEqual(line.errors);
    expect((await pace(shop)) ?? 0).toBeLessThan(2_000);
    expect(await shop.appPid()).toBe(pid);

    await shop.write("checks/application.yaml", checkFile("1s"));
    expect(await reloaded(shop, 2)).toMatchObject({ level: 30, taken: false, msg: expect.stringContaining("nothing to do") });
  });

  test("that cannot be started is refused, and the one before goes on", async () => {
    const shop = await keep();
    await healthy(shop);
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as AddressInfo;
    try {
      await shop.write("shopkeeper.yaml", siteFile(shop.appPort).replace('health: "127.0.0.1:0"', `health: "127.0.0.1:${port}"`));
      const line = await reloaded(shop, 0);
      expect(line).toMatchObject({ taken: false, errors: [expect.stringContaining("EADDRINUSE")] });
      await healthy(shop);
      expect((await shop.page("/")).status).toBe(200);
    } finally {
      await new Promise((resolve) => taken.close(resolve));
    }
  });

  test("of the gateway opens another one on the same port, which serves the last one's copies", async () => {
    const shop = await keep({ files: { "checks/application.yaml": checkFile("1s"), "policies/pod_restart.yaml": "name: pod_restart\ntrigger: application fails 50 consecutive times\naction: restart_pod\nmode: observe\n" } });
    await healthy(shop);
    await until("the page is stored", async () => ((await shop.page("/collections/all")).cache === "HIT" ? true : undefined));
    const pid = await shop.appPid();
    process.kill(pid, "SIGSTOP");
    try {
      await shop.write("shopkeeper.yaml", siteFile(shop.appPort, "", "  max_connections: 300\n"));
      const { ingress } = shop.ports();
      expect(await reloaded(shop, 0)).toMatchObject({ taken: true, ingress });
      expect(shop.log().filter((line) => line.event === "gateway" && line["port"] === ingress)).toHaveLength(2);
      const page = await shop.page("/collections/all");
      expect(page).toMatchObject({ status: 200, text: expect.stringContaining("<h1>/collections/all</h1>") });
    } finally {
      process.kill(pid, "SIGCONT");
    }
  });

  test("of the site's name is refused: children and memory hang on it", async () => {
    const shop = await keep();
    await shop.write("shopkeeper.yaml", siteFile(shop.appPort).replace("site: tiny", "site: large"));
    expect(await reloaded(shop, 0)).toMatchObject({ taken: false, errors: [expect.stringContaining("start it anew")] });
  });
});

describe("a daemon", () => {
  test("ends with 0 on SIGTERM, leaves the application running, and the next one adopts it", async () => {
    const shop = await keep();
    await healthy(shop);
    const pid = await shop.appPid();
    expect(await shop.stop()).toBe(0);
    expect(shop.log().at(-1)).toMatchObject({ event: "stopping" });
    expect(await shop.appPid()).toBe(pid);
    const next = runDaemon(shop.folder, { ADA_TOKEN: TOKEN, SHOP_SECRET: "of the shop" });
    try {
      await until("the next daemon has started", () => next.output().includes('"event":"started"') || undefined);
      expect(next.output()).not.toContain("restart_process");
      expect(await shop.appPid()).toBe(pid);
    } finally {
      expect(await stopped(next.child)).toBe(0);
    }
  });

  test("keeps no secret in its log, whatever happens", async () => {
    const secrets = { ADA_TOKEN: "s3cr3t-admin-token", SHOP_SECRET: "s3cr3t-of-the-shop", PUBLIC: "s3cr3t-public", PRIVATE: "s3cr3t-private", RECEIVER: "http://127.0.0.1:9/s3cr3t-hook", KEY: "s3cr3t-key", PEER: "s3cr3t-peer-token" };
    const extra = `storefront: { origin: "http://127.0.0.1:9", public_token: "\${PUBLIC}", private_token: "\${PRIVATE}" }\nredis: { url: "\${REDIS}" }\npeer_token: "\${PEER}"\nalerts: { on_call: { url: "\${RECEIVER}", signing_key: "\${KEY}" } }\n`;
    const files = {
      "checks/application.yaml": checkFile("1s"),
      // Names that no resolver knows, so that what the system says of them is told.
      "checks/search.yaml": "name: search\nprobe: http\nurl: http://${SEARCH_HOST}/\nheaders: { authorization: 'Bearer ${SEARCH_TOKEN}', x-key: 'file:secrets/search' }\ninterval: 1s\ntimeout: 900ms\n",
      // Port 1 is nobody's here.
      "checks/closed.yaml": "name: closed\nprobe: tcp\naddress: 127.0.0.1:1\ninterval: 1s\ntimeout: 900ms\ncritical: false\n",
      "policies/tell.yaml": "name: tell\ntrigger: closed fails 3 consecutive times\naction: run_command\nmode: act\nparams: { command: [sh, -c, 'echo $TELL_TOKEN and ${TELL_ARGUMENT}'], env: { TELL_TOKEN: '${TELL_TOKEN}' }, destructive: false }\n",
      "secrets/search": "s3cr3t-key-of-search\n",
    };
    const inParts = { SEARCH_HOST: "s3cr3t-host.invalid", SEARCH_TOKEN: "s3cr3t-search", TELL_TOKEN: "s3cr3t-tell", TELL_ARGUMENT: "s3cr3t-argument" };
    const shop = await keep({ env: { ...secrets, ...inParts, REDIS: "redis://:s3cr3t-redis@127.0.0.1:9", LATER: "s3cr3t-later" }, site: extra, files });
    // A death, alerts that cannot be delivered, a reload that is taken and one that is not.
    await healthy(shop);
    process.kill(await shop.appPid(), "SIGKILL");
    await until("the death was answered", async () => (await shop.ledger()).filter((entry) => entry.kind === "intent").length > 1 || undefined);
    const told = await until("the command has run", async () => (await shop.ledger()).find((entry) => entry.subject === "tell" && JSON.stringify(entry.details).includes("output")));
    expect(JSON.stringify(told.details)).toContain("${TELL_TOKEN} and ${TELL_ARGUMENT}");
    await until("the search was looked at", async () => (await shop.status()).looks.find((look) => look.check === "search" && look.last !== null));
    expect(JSON.stringify([await shop.status(), await shop.ledger()])).not.toContain("s3cr3t");
    await shop.write("checks/application.yaml", checkFile("2s"));
    await reloaded(shop, 0);
    await shop.write("shopkeeper.yaml", siteFile(shop.appPort, extra).replace("connectivity: []", "connectivity: nothing").replace('"${ADA_TOKEN}"', "s3cr3t-inline"));
    expect(await reloaded(shop, 1)).toMatchObject({ taken: false });
    await shop.stop();
    expect(shop.output()).toContain("verdict");
    expect(shop.output()).not.toContain("s3cr3t");
    const kept = join(shop.folder, ".shopkeeper", "shopkeeper.db");
    expect((await readFile(kept)).includes("s3cr3t")).toBe(false);
  });

  test("whose state file is damaged starts anew, pages, and has it in the new ledger", async () => {
    const files = { "checks/application.yaml": checkFile("1s"), ".shopkeeper/shopkeeper.db": "this was the state once ".repeat(100) };
    const shop = await keep({ files, site: 'alerts: { on_call: { url: "http://127.0.0.1:9/alerts" } }\n' });
    await healthy(shop);
    const lost = (await shop.ledger()).filter((entry) => entry.subject === "state");
    expect(lost).toEqual([expect.objectContaining({ kind: "note", target: "site", text: expect.stringContaining(".corrupt-") })]);
    const keptAs = String(lost[0]?.details["keptAs"]);
    expect((await readFile(keptAs, "utf8")).startsWith("this was the state once")).toBe(true);
    await shop.stop();
    // Nobody listens at the route, so the page waits in the state file for the next process.
    const state = new DatabaseSync(join(shop.folder, ".shopkeeper", "shopkeeper.db"));
    const waiting = state.prepare("SELECT value FROM state WHERE key LIKE 'outbox/on_call/%'").all();
    state.close();
    expect(waiting.map((row) => String(row["value"])).filter((value) => value.includes('"state_lost"'))).toHaveLength(1);
  });

  test("without configured tokens makes one that only its owner can read", async () => {
    const shop = await keep({ files: {} });
    await shop.write("shopkeeper.yaml", siteFile(shop.appPort).replace(/tokens:\n.*\n/, ""));
    const line = await reloaded(shop, 0);
    expect(line.taken).toBe(true);
    const file = await stat(join(shop.folder, ".shopkeeper", "admin-token"));
    expect(file.mode & 0o777).toBe(0o600);
    expect(shop.output()).not.toContain("admin-token");
  });
});
