/** How an Http must read the answers of servers: where they end, and whose bytes they are. Runs against real servers with real faults. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Http } from "../../src/ports/http.ts";
import { serveHttp, serveTcp } from "../support/faulty-server.ts";
import type { Served } from "../support/faulty-server.ts";
import { answered, GET } from "./http.ts";

export function httpFramingContract(name: string, make: () => Http): void {
  describe(`Http's framing: ${name}`, () => {
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
      for (const method of ["POST", "PATCH"] as const) expect(answered(await http.request({ ...GET, method, url })).body).toBe(`["${new URL(url).host}","0"]`);
    });

    test("what is not HTTP is truncated", async () => {
      const { url } = await serve(serveTcp((socket) => socket.once("data", () => socket.end("220 mail.example ESMTP\r\n"))));
      expect(await http.request({ ...GET, url })).toMatchObject({ kind: "failed", cause: "truncated" });
    });
  });
}
