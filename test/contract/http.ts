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

export const GET: Omit<HttpRequest, "url"> = { method: "GET", headers: {}, deadlineMs: 10_000, maxBodyBytes: 65_536, connection: "reuse" };
/** For servers that never answer: the test waits this long. */
export const SHORT: Omit<HttpRequest, "url"> = { ...GET, deadlineMs: 150 };

export function answered(result: HttpAnswer | HttpFailure): HttpAnswer {
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

    test.each(["POST", "PATCH"] as const)("a %s is not sent twice, unless it is said to be repeatable", async (method) => {
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
      const post: HttpRequest = { ...GET, method, body: "x", url };
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
