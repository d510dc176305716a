/**
 * Many targets in one process: the same health body at one port of many loopback
 * addresses (127.1.0.1, 127.1.0.2, …), so that each is an origin of its own.
 *
 *   node bench/support/health-farm.ts PORT COUNT
 */
import http from "node:http";
import net from "node:net";
import { farmAddress } from "./farm.ts";
import { HEALTH } from "./page.ts";

const [port = 0, count = 0] = process.argv.slice(2).map(Number);

const server = http.createServer((_request, response) => {
  response.writeHead(200, { "content-type": "application/json", "content-length": HEALTH.length });
  response.end(HEALTH);
});
server.keepAliveTimeout = 65_000;

// The last one listens last: whoever waits for it knows that all do.
for (let at = 0; at < count; at += 1) {
  const door = net.createServer((socket) => server.emit("connection", socket));
  await new Promise<void>((resolve, reject) => door.once("error", reject).listen(port, farmAddress(at), 128, resolve));
}
process.stdout.write("ready\n");
process.on("SIGTERM", () => process.exit(0));
