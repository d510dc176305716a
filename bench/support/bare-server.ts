/**
 * Bare `node:http` sending a Buffer: what Node itself costs, nothing else.
 *
 *   node bench/support/bare-server.ts PORT
 */
import http from "node:http";
import { PAGE, PAGE_HEADERS } from "./page.ts";

const server = http.createServer((_request, response) => {
  response.writeHead(200, PAGE_HEADERS);
  response.end(PAGE);
});
server.listen(Number(process.argv[2]), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
