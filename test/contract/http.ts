/** What every Http must do, whatever it is made of. Runs against real servers with real faults. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Http, HttpAnswer, HttpFailure, HttpRequest } from "../../src/ports/http.ts";
import { freePort, serveHttp, serveTcp } from "../support/faulty-server.ts";
import type { Served } from "../support/faulty-server.ts";

const GET: Omit<HttpRequest, "url"> = { method: "GET", headers: {}, deadlineMs: 10_000, maxBodyBytes: 65_536, connection: "reuse" };
/** For servers that never answer: the test waits this long. */
const SHORT: Omit<HttpRequest, "url"> = { ...GET, deadlineMs: 150 };

function answered(result: HttpAnswer | HttpFailure): HttpAnswer {
  if (result.kind === "failed") throw new Error(`failed: ${result.cause} ${result.detail}`);
  return result;
}

/** @param make an Http that trusts the certificate authority given (PEM), if any. */
export function httpContract(name: string, make: (ca?: string) => Http): void {
  describe(`Http: ${name}`, () => {
    let http: Http;
    const served: Served[] = [];
    const serve = async (starting: Promise<Served>): Promise<Served> => {
      const one = await starting;
      served.push(one);
      return one;
    };
    beforeAll(() => {
      http = make();
    });
    afterAll(async () => {
      await http.close();
      await Promise.all(served.map((one) => one.close()));
    });

    test("gives status, headers and body", async () => {
      const { url } = await serve(
        serveHttp((_request, response) => {
          response.writeHead(404, { "Content-Type": "text/plain", "X-Twice": ["a", "b"], "Set-Cookie": ["a=1", "b=2"] });
          response.end("grüße");
        }),
      );
      const result = answered(await http.request({ ...GET, url }));
      expect(result).toMatchObject({ status: 404, body: "grüße", bodyBytes: 7, bodyCut: false });
      expect(result.headers).toMatchObject({ "content-type": "text/plain", "x-twice": "a, b", "set-cookie": "a=1\nb=2" });
    });

    test("sends method, path, query, headers and body", async () => {
      const seen: string[] = [];
      const { url } = await serve(
        serveHttp((request, response) => {
          request.setEncoding("utf8").on("data", (chunk: string) => seen.push(chunk));
          request.on("end", () => {
            seen.push(`${request.method} ${request.url} ${request.headers["x-a"] as string}`);
            response.end();
          });
        }),
      );
      answered(await http.request({ ...GET, method: "POST", url: `${url}/a%20b?c=d&e`, headers: { "x-a": "1" }, body: '{"q":1}' }));
      expect(seen).toEqual(['{"q":1}', "POST /a%20b?c=d&e 1"]);
    });

    test("does not follow redirects", async () => {
      const { url } = await serve(serveHttp((_request, response) => response.writeHead(302, { location: "/elsewhere" }).end()));
      expect(answered(await http.request({ ...GET, url })).status).toBe(302);
    });

    test("keeps only so much of a big body, and counts all of it", async () => {
      const { url } = await serve(serveHttp((_request, response) => response.end("x".repeat(1_000_000))));
      const result = answered(await http.request({ ...GET, url, maxBodyBytes: 1_000 }));
      expect(result).toMatchObject({ bodyBytes: 1_000_000, bodyCut: true });
      expect(result.body).toHaveLength(1_000);
    });

    test("reuses a connection, and makes a new one where asked", async () => {
      const server = await serve(serveHttp((_request, response) => response.end("ok")));
      answered(await http.request({ ...GET, url: server.url }));
      answered(await http.request({ ...GET, url: server.url }));
      expect(server.connections()).toBe(1);
      answered(await http.request({ ...GET, url: server.url, connection: "new" }));
      expect(server.connections()).toBe(2);
      answered(await http.request({ ...GET, url: server.url }));
      expect(server.connections()).toBe(2);
    });

    test("a hanging request does not hold up another one to the same origin", async () => {
      const { url } = await serve(serveHttp((request, response) => void (request.url === "/hang" || response.end("ok"))));
      const hanging = http.request({ ...GET, deadlineMs: 300, url: `${url}/hang` });
      expect(answered(await http.request({ ...GET, url: `${url}/` })).body).toBe("ok");
      expect(await hanging).toMatchObject({ kind: "failed", cause: "timeout" });
    });

    test("localhost needs no resolver, whichever family listens", async () => {
      const { port } = await serve(serveHttp((_request, response) => response.end("here")));
      expect(answered(await http.request({ ...GET, url: `http://localhost:${port}/` })).body).toBe("here");
    });

    test("nobody listening is refused", async () => {
      const url = `http://127.0.0.1:${await freePort()}/`;
      expect(await http.request({ ...GET, url })).toMatchObject({ kind: "failed", cause: "refused", noNetwork: false, answered: false });
    });

    test("a connection reset before an answer is reset", async () => {
      const { url } = await serve(serveTcp((socket) => socket.once("data", () => socket.resetAndDestroy())));
      expect(await http.request({ ...GET, url })).toMatchObject({ kind: "failed", cause: "reset", answered: false });
    });

    test("asked after it was closed, it says so, and that this is no evidence", async () => {
      const server = await serve(serveHttp((_request, response) => response.end("ok")));
      const closed = make();
      await closed.close();
      expect(await closed.request({ ...GET, url: server.url })).toMatchObject({ kind: "failed", noNetwork: true, answered: false });
      expect(server.connections()).toBe(0);
    });

    test("a connection closed without an answer is reset", async () => {
      const { url } = await serve(serveTcp((socket) => socket.once("data", () => socket.end())));
      expect(await http.request({ ...GET, url })).toMatchObject({ kind: "failed", cause: "reset", answered: false });
    });

    test("silence before the header is a timeout", async () => {
      const { url } = await serve(serveHttp(() => {}));
      expect(await http.request({ ...SHORT, url })).toMatchObject({ kind: "failed", cause: "timeout", answered: false, noNetwork: false });
    });

    test("silence in the body is a timeout that had an answer", async () => {
      const { url } = await serve(serveHttp((_request, response) => void response.write("half")));
      expect(await http.request({ ...SHORT, url })).toMatchObject({ kind: "failed", cause: "timeout", answered: true });
    });

    test("a body that drips for ever meets the same deadline", async () => {
      const { url } = await serve(
        serveHttp((_request, response) => {
          const drip = setInterval(() => response.write("."), 5);
          response.once("close", () => clearInterval(drip));
        }),
      );
      expect(await http.request({ ...SHORT, url })).toMatchObject({ kind: "failed", cause: "timeout", answered: true });
    });

    test("a body shorter than its content-length is truncated", async () => {
      const { url } = await serve(serveTcp((socket) => socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"))));
      expect(await http.request({ ...GET, url })).toMatchObject({ kind: "failed", cause: "truncated", answered: true });
    });

    test("a chunked body that stops early is truncated, reset or not", async () => {
      for (const end of ["end", "resetAndDestroy"] as const) {
        const { url } = await serve(
          serveTcp((socket) => socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", () => setTimeout(() => socket[end](), 20)))),
        );
        expect(await http.request({ ...GET, url })).toMatchObject({ kind: "failed", cause: "truncated", answered: true });
      }
    });

    test.each([
      ["chunks with extensions and trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nbod\r\n1\r\ny\r\n0\r\nX-Sum: 1\r\n\r\n", "body"],
      ["a body that ends with the connection", "HTTP/1.1 200 OK\r\n\r\nbody", "body"],
      ["an old server's answer", "HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nbody", "body"],
      ["an interim answer first", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody", "body"],
      ["no content", "HTTP/1.1 204 No Content\r\n\r\n", ""],
      ["not modified, of a length it does not send", "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n", ""],
    ])("reads %s, at once or byte by byte", async (_name, answer, body) => {
      const whole = await serve(serveTcp((socket) => socket.once("data", () => socket.end(answer))));
      expect(answered(await http.request({ ...GET, url: whole.url }))).toMatchObject({ body, bodyBytes: body.length });
      const dripping = await serve(
        serveTcp((socket) => {
          socket.setNoDelay(true);
          socket.once("data", () => {
            for (const byte of answer) socket.write(byte);
            socket.end();
          });
        }),
      );
      expect(answered(await http.request({ ...GET, url: dripping.url }))).toMatchObject({ body, bodyBytes: body.length });
    });

    test("an answer to HEAD has no body, and leaves its connection to the next", async () => {
      const server = await serve(serveHttp((_request, response) => response.writeHead(200, { "content-length": 10 }).end()));
      expect(answered(await http.request({ ...GET, method: "HEAD", url: server.url }))).toMatchObject({ status: 200, bodyBytes: 0 });
      answered(await http.request({ ...GET, method: "HEAD", url: server.url }));
      expect(server.connections()).toBe(1);
    });

    test.each([
      ["two lengths", "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok"],
      ["a length and chunks", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
      ["a chunk whose size is no number", "Transfer-Encoding: chunked\r\n\r\nzz\r\n"],
      ["a head without end", `X: ${"x".repeat(100_000)}`],
    ])("an answer whose end cannot be told is truncated: %s", async (_name, rest) => {
      const { url } = await serve(serveTcp((socket) => socket.once("data", () => socket.write(`HTTP/1.1 200 OK\r\n${rest}`))));
      expect(await http.request({ ...GET, url })).toMatchObject({ kind: "failed", cause: "truncated", noNetwork: false });
    });

    test.each([
      ["it said so", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"],
      ["it is an old one", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"],
      ["it keeps none for longer than our margin", "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok"],
      ["it sent more than its answer", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 Not yours\r\n\r\n"],
    ])("a server's connection is not used again where %s", async (_name, answer) => {
      const server = await serve(serveTcp((socket) => socket.on("data", () => socket.write(answer))));
      for (const connections of [1, 2]) {
        expect(answered(await http.request({ ...GET, url: server.url }))).toMatchObject({ status: 200, body: "ok" });
        expect(server.connections()).toBe(connections);
      }
    });

    test("what a server says unasked ends its connection, and is nobody's answer", async () => {
      let met = false;
      const [gone, heard] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const server = await serve(
        serveTcp((socket) => {
          socket.once("close", () => gone.resolve());
          socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
          // Only on the first connection: the second is not idle when it would come.
          if (!met) void heard.promise.then(() => socket.write("HTTP/1.1 408 Request Timeout\r\n\r\n"));
          met = true;
        }),
      );
      answered(await http.request({ ...GET, url: server.url }));
      heard.resolve();
      await gone.promise;
      expect(answered(await http.request({ ...GET, url: server.url })).status).toBe(200);
      expect(server.connections()).toBe(2);
    });

    test("the body of a request goes with its length, and a named host is asked for", async () => {
      const { url } = await serve(
        serveHttp((request, response) => {
          request.resume().on("end", () => response.end(JSON.stringify([request.headers.host, request.headers["content-length"]])));
        }),
      );
      expect(answered(await http.request({ ...GET, method: "POST", url, headers: { Host: "shop.example" }, body: "grüße" })).body).toBe('["shop.example","7"]');
      expect(answered(await http.request({ ...GET, method: "POST", url })).body).toBe(`["${new URL(url).host}","0"]`);
    });

    test("what is not HTTP is truncated", async () => {
      const { url } = await serve(serveTcp((socket) => socket.once("data", () => socket.end("220 mail.example ESMTP\r\n"))));
      expect(await http.request({ ...GET, url })).toMatchObject({ kind: "failed", cause: "truncated" });
    });

    test("a name that does not exist is resolve, and so is a resolver that is gone", async () => {
      // Which of the two depends on the machine; neither may look like a refused connection.
      expect(await http.request({ ...GET, url: "http://no-such-host.invalid/" })).toMatchObject({ kind: "failed", cause: "resolve" });
    });

    test("a connection the server closed while it was idle is no failure", async () => {
      const sockets: { destroy(): void }[] = [];
      let requests = 0;
      const { url } = await serve(
        serveTcp((socket) => {
          sockets.push(socket);
          socket.on("data", () => {
            requests += 1;
            // The second request on a connection meets a server that is just closing it.
            if (requests === 2) socket.destroy();
            else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
          });
        }),
      );
      answered(await http.request({ ...GET, url }));
      expect(answered(await http.request({ ...GET, url })).body).toBe("ok");
      expect(sockets).toHaveLength(2);
    });

    test("a POST is not sent twice, unless it is said to be repeatable", async () => {
      let requests = 0;
      const { url } = await serve(
        serveTcp((socket) => {
          let own = 0;
          socket.on("data", () => {
            requests += 1;
            own += 1;
            if (own === 2) socket.destroy();
            else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
          });
        }),
      );
      const post: HttpRequest = { ...GET, method: "POST", body: "x", url };
      answered(await http.request(post));
      expect(await http.request(post)).toMatchObject({ kind: "failed", cause: "reset" });
      expect(requests).toBe(2);
      answered(await http.request(post));
      answered(await http.request({ ...post, idempotent: true }));
      expect(requests).toBe(5);
    });

    test("an aborted request ends at once and is no evidence", async () => {
      const { url } = await serve(serveHttp(() => {}));
      const before = new AbortController();
      before.abort();
      expect(await http.request({ ...GET, url, signal: before.signal })).toMatchObject({ kind: "failed", noNetwork: true });
      const during = new AbortController();
      const running = http.request({ ...GET, url, deadlineMs: 60_000, signal: during.signal });
      during.abort();
      expect(await running).toMatchObject({ kind: "failed", noNetwork: true });
    });

    test("what cannot be asked is a value too, and no evidence", async () => {
      expect(await http.request({ ...GET, url: "not a url" })).toMatchObject({ kind: "failed", noNetwork: true });
      expect(await http.request({ ...GET, url: "ftp://127.0.0.1/" })).toMatchObject({ kind: "failed", noNetwork: true });
      expect(await http.request({ ...GET, url: "http://127.0.0.1:9/", headers: { "x-a": "line\nbreak" } })).toMatchObject({ kind: "failed", noNetwork: true });
    });

    test("a certificate nobody vouches for is tls; a trusted one is an answer", async () => {
      const folder = mkdtempSync(join(tmpdir(), "http-contract-"));
      const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
      execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert, "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], { stdio: "ignore" });
      const pem = readFileSync(cert, "utf8");
      const server = createTlsServer({ key: readFileSync(key), cert: pem }, (_request, response) => response.end("secret"));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const url = `https://localhost:${(server.address() as AddressInfo).port}/`;
      const trusting = make(pem);
      expect(await http.request({ ...GET, url })).toMatchObject({ kind: "failed", cause: "tls", noNetwork: false });
      expect(answered(await trusting.request({ ...GET, url })).body).toBe("secret");
      await trusting.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true });
    });

    test("closing ends what is under way", async () => {
      const { url } = await serve(serveHttp(() => {}));
      const other = make();
      const running = other.request({ ...GET, url, deadlineMs: 60_000 });
      await other.close();
      expect(await running).toMatchObject({ kind: "failed", noNetwork: true });
    });
  });
}
