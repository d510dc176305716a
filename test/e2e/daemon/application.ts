/**
 * The smallest application a daemon can keep: a health route, a page, and its pid.
 *
 *   node application.ts --port N
 *
 * `GET /waiting` says how many have asked for `/slow`. `POST /sick` and `POST /well` decide what the health route says from then on.
 */
import { createServer } from "node:http";
import { parseArgs } from "node:util";

/** With the mark by which the gateway's preset knows a whole page. */
const PAGE = "<!doctype html><html><head></head><body><h1>Open</h1><script>streamController.close()</script></body></html>";

/** Longer than it takes to stop a daemon that waits for nobody. */
const SLOW_MS = 2_000;

const { values } = parseArgs({ options: { port: { type: "string", default: "0" } } });
let well = true;
let waiting = 0;

const server = createServer((request, response) => {
  switch (`${request.method} ${request.url}`) {
    case "GET /pid":
      return void response.end(String(process.pid));
    case "POST /sick":
    case "POST /well":
      well = request.url === "/well";
      return void response.end("noted\n");
    case "GET /health":
    case "HEAD /health":
      return void response.writeHead(well ? 200 : 503, { "content-type": "application/json" }).end(JSON.stringify({ status: well ? "pass" : "fail" }));
    case "GET /waiting":
      return void response.end(String(waiting));
    case "GET /slow":
      waiting += 1;
      return void setTimeout(() => response.end(PAGE), SLOW_MS);
    default:
      return void response.writeHead(200, { "content-type": "text/html" }).end(PAGE);
  }
});
server.listen(Number(values.port), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
