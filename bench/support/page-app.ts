/**
 * The application behind every gateway of the bench: a rendered page of 24 KB with a
 * Content-Security-Policy nonce and 24 nonce attributes, the same for every path, and /health.
 *
 *   node bench/support/page-app.ts PORT
 *
 * The page is rendered once: what is measured is who stands in front of it.
 */
import http from "node:http";
import { HEALTH, PAGE, PAGE_HEADERS } from "./page.ts";

const server = http.createServer((request, response) => {
  if (request.url === "/health") {
    response.writeHead(200, { "content-type": "application/json", "content-length": HEALTH.length });
    response.end(request.method === "HEAD" ? undefined : HEALTH);
    return;
  }
  response.writeHead(200, PAGE_HEADERS);
  response.end(request.method === "HEAD" ? undefined : PAGE);
});
server.keepAliveTimeout = 65_000;
server.listen(Number(process.argv[2]), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
