import type { IncomingHttpHeaders, RequestListener } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { pageProbe } from "../../src/probes/page.ts";
import { serveHttp, serveTcp } from "../support/faulty-server.ts";
import type { Served } from "../support/faulty-server.ts";
import { lookOnce } from "./look.ts";

const PAGE = "<!doctype html><html><body><h1>Alder Daypack</h1></body></html>";
const served: Served[] = [];
afterEach(async () => {
  await Promise.all(served.splice(0).map((one) => one.close()));
});

async function serve(listener: RequestListener): Promise<string> {
  const one = await serveHttp(listener);
  served.push(one);
  return one.url;
}

async function serveRaw(answer: string): Promise<string> {
  const one = await serveTcp((socket) => socket.once("data", () => socket.end(answer)));
  served.push(one);
  return one.url;
}

describe("a rendered page", () => {
  test("that is whole and has the right text passes", async () => {
    const url = await serve((_request, response) => response.end(PAGE));
    expect(await lookOnce(pageProbe, { settings: { page: "/products/alder", must_contain: ["Alder"] } }, { url })).toMatchObject({ kind: "pass" });
  });

  test("is asked for as a bot asks, without cookies", async () => {
    const asked: { url: string | undefined; headers: IncomingHttpHeaders }[] = [];
    const url = await serve((request, response) => {
      asked.push({ url: request.url, headers: request.headers });
      response.end(PAGE);
    });
    await lookOnce(pageProbe, { settings: { page: "/products/alder" } }, { url });
    expect(asked[0]?.url).toBe("/products/alder");
    expect(asked[0]?.headers).toMatchObject({ accept: "text/html" });
    expect(asked[0]?.headers["user-agent"]).toMatch(/\bbot\b/);
    expect(asked[0]?.headers).not.toHaveProperty("cookie");
  });

  test.each(["</html>", "</HTML>\n", "</html><!-- served by edge 7 -->\n", '</html><div hidden id="S:0"></div><script>$RC("B:0","S:0")</script><!--/$-->'])("may end with %j", async (end) => {
    const url = await serve((_request, response) => response.end(`<html>hello${end}`));
    expect((await lookOnce(pageProbe, {}, { url })).kind).toBe("pass");
  });

  test("without its end is truncated, though the server says it is all", async () => {
    const url = await serve((_request, response) => response.end(PAGE.slice(0, 40)));
    expect(await lookOnce(pageProbe, {}, { url })).toMatchObject({ kind: "fail", cause: "truncated" });
  });

  test("whose stream ends early is truncated", async () => {
    const url = await serveRaw(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${PAGE.length.toString(16)}\r\n${PAGE}\r\n`);
    expect(await lookOnce(pageProbe, {}, { url })).toMatchObject({ kind: "fail", cause: "truncated" });
  });

  test("whose body never ends is a timeout", async () => {
    const url = await serve((_request, response) => void response.write(PAGE));
    expect(await lookOnce(pageProbe, {}, { url }, { deadlineMs: 150 })).toMatchObject({ kind: "fail", cause: "timeout" });
  });

  test.each([500, 503, 404, 302, 204])("answered with %i fails", async (status) => {
    const url = await serve((_request, response) => response.writeHead(status).end(status === 204 ? undefined : PAGE));
    expect(await lookOnce(pageProbe, {}, { url })).toMatchObject({ kind: "fail", cause: "status" });
  });

  test("answered with 429 is no evidence", async () => {
    const url = await serve((_request, response) => response.writeHead(429).end(PAGE));
    expect(await lookOnce(pageProbe, {}, { url })).toMatchObject({ kind: "unknown", cause: "throttled" });
  });

  test("that is an error page with status 200 fails", async () => {
    const url = await serve((_request, response) => response.end('<html><div class="route-error">Oops</div></html>'));
    const site = { errorMarks: ['class="route-error"'] };
    expect(await lookOnce(pageProbe, {}, { url, site })).toMatchObject({ kind: "fail", cause: "body" });
    expect(await lookOnce(pageProbe, { settings: { must_not_contain: ["Oops"] } }, { url })).toMatchObject({ kind: "fail", cause: "body" });
    expect(await lookOnce(pageProbe, { settings: { must_contain: ["Alder"] } }, { url })).toMatchObject({ kind: "fail", cause: "body" });
  });

  test("larger than what is kept cannot be judged", async () => {
    const url = await serve((_request, response) => response.end(`<html>${"x".repeat(5_000)}</html>`));
    expect(await lookOnce(pageProbe, { settings: { max_body: "1KB" } }, { url })).toMatchObject({ kind: "unknown", cause: "configuration" });
  });
});
