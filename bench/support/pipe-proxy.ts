/**
 * The least a Node proxy does: `node:http` in, `http.Agent` with kept connections out, bodies piped.
 * No deadlines, no judgement, no cache, no metrics: a lower bound for what proxy libraries on `node:http` cost.
 *
 *   node bench/support/pipe-proxy.ts PORT UPSTREAM_PORT
 */
import http from "node:http";

const [port, upstream] = process.argv.slice(2).map(Number);
const agent = new http.Agent({ keepAlive: true, maxSockets: 256, maxFreeSockets: 256 });

const server = http.createServer((request, response) => {
  const { method, url, headers } = request;
  const onward = http.request({ agent, host: "127.0.0.1", port: upstream, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on("error", () => {
    if (!response.headersSent) response.writeHead(502);
    response.end();
  });
  request.pipe(onward);
});
server.listen(port, "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
