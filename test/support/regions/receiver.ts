/** Where pages to people arrive: a CloudEvents receiver. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Alert } from "../../../src/core/alert.ts";

const MAX_KEPT = 200;
const MAX_BODY = 65_536;

export type Receiver = { readonly url: string; readonly received: readonly Alert[]; stop(): Promise<void> };

export async function startReceiver(host: string): Promise<Receiver> {
  const received: Alert[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (text: string) => {
      body += text;
      if (body.length > MAX_BODY) request.destroy();
    });
    request.on("end", () => {
      received.push((JSON.parse(body) as { readonly data: Alert }).data);
      if (received.length > MAX_KEPT) received.shift();
      response.writeHead(202).end();
    });
  });
  server.listen(0, host);
  await once(server, "listening");
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}/alerts`,
    received,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
