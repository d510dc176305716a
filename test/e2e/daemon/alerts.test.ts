/** The real daemon tells a CloudEvents receiver of an unhealthy check, and of its end. */
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import path from "node:path";
import { expect, test } from "vitest";
import type { Alert } from "../../../src/core/alert.ts";
import { createInstallation, freePorts, listeners, startDaemon, until } from "../support/daemon.ts";

const SIGNING_KEY = "a-signing-key-of-this-test";

type Event = { readonly id: string; readonly type: string; readonly source: string; readonly specversion: string; readonly data: Alert; readonly contentType: string | undefined; readonly signed: boolean };

type Receiver = AsyncDisposable & { readonly url: string; readonly events: readonly Event[] };

async function startReceiver(): Promise<Receiver> {
  const events: Event[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      const signature = `sha256=${createHmac("sha256", SIGNING_KEY).update(body).digest("hex")}`;
      events.push({ ...(JSON.parse(body) as Event), contentType: request.headers["content-type"], signed: request.headers["x-shopkeeper-signature"] === signature });
      response.writeHead(202).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("not a TCP listener");
  return {
    url: `http://127.0.0.1:${address.port}/alerts`,
    events,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

test("an unhealthy check is told to the receiver once, and so is its end, under one key", async ({ onTestFailed }) => {
  await using receiver = await startReceiver();
  const [port = 0] = await freePorts(1);
  const command = [process.execPath, path.join(import.meta.dirname, "application.ts"), "--port", String(port)];
  await using installation = await createInstallation("told", {
    "signing-key": SIGNING_KEY,
    // Nothing of the shipped check but its pace is changed.
    "checks/application.yaml": `name: application
probe: http
endpoint: /health
interval: 2s
fast: 1s
down: 1s
timeout: 1s
checks: { http_status: "200 OK" }
`,
    "shopkeeper.yaml": `site: told
targets:
  app:
    url: http://127.0.0.1:${port}
    process: { command: ${JSON.stringify(command)}, on_exit: stop, log_file: app.log }
alerts:
  # Notified at once; a page follows only after a minute.
  team: { severity: notify, url: "${receiver.url}", signing_key: "file:signing-key" }
${listeners()}`,
  }, onTestFailed);
  await using daemon = await startDaemon(installation);
  const isVerdict = async (verdict: string): Promise<boolean> => (await daemon.status()).looks.some((look) => look.check === "application" && look.verdict === verdict);
  await until("the application is healthy", () => isVerdict("healthy"));
  expect(receiver.events).toEqual([]);

  await fetch(`http://127.0.0.1:${port}/sick`, { method: "POST" });
  const fired = await until("an alert is received", () => receiver.events.find(({ type }) => type === "dev.shopkeeper.alert.firing"));
  expect(fired).toMatchObject({
    specversion: "1.0", source: "/shopkeeper/told", signed: true, contentType: expect.stringContaining("application/cloudevents+json"),
    data: { state: "firing", severity: "notify", site: "told", target: "app", reason: "check_unhealthy", summary: expect.stringContaining("application") },
  });

  await fetch(`http://127.0.0.1:${port}/well`, { method: "POST" });
  const resolved = await until("its end is received", () => receiver.events.find(({ type, data }) => type === "dev.shopkeeper.alert.resolved" && data.key === fired.data.key));
  expect(resolved).toMatchObject({ signed: true, data: { state: "resolved", target: "app" } });
  await until("the application is healthy again", () => isVerdict("healthy"));
  const ofThis = receiver.events.filter(({ data }) => data.reason === "check_unhealthy");
  expect(ofThis.map(({ data }) => data.state)).toEqual(["firing", "resolved"]);
  expect(new Set(ofThis.map(({ id }) => id)).size).toBe(2);
});
