import { createServer, type IncomingHttpHeaders, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { createLeanHttp } from "../../src/adapters/lean-http.ts";
import { createTrial } from "../../src/gateway/trial.ts";

const PRESET = {
  page: { path: "/home", mustContain: ["</html>", "whole"], mustNotContain: ["route-error"] },
  agents: { browser: "browser/1", bot: "bot/1" },
};
const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** One trial against an application that answers so. */
async function attempt(answer: RequestListener, page: typeof PRESET.page | null = PRESET.page): Promise<boolean> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const http = createLeanHttp({ clock: createSystemClock() });
  ends.push(async () => {
    await http.close();
    server.closeAllConnections();
    server.close();
  });
  const trial = createTrial(http, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, { ...PRESET, page });
  return trial(new AbortController().signal, 1_000);
}

describe("a trial", () => {
  test.each<[string, RequestListener, boolean]>([
    ["passes on a whole page", (_, res) => res.end("<html>whole</html>"), true],
    ["fails on a page cut before its end mark", (_, res) => res.end("<html>who"), false],
    ["fails on an error page with status 200", (_, res) => res.end('<html><p class="route-error">whole</html>'), false],
    ["fails on 500", (_, res) => res.writeHead(500).end("<html>whole</html>"), false],
    ["fails on 404", (_, res) => res.writeHead(404).end("<html>whole</html>"), false],
    ["fails on a closed connection", (req) => req.socket.destroy(), false],
    ["fails at its deadline", () => {}, false],
    ["passes on a page too long to be judged", (_, res) => res.end("x".repeat(5 * 1024 * 1024)), true],
  ])("%s", async (_, answer, passed) => {
    expect(await attempt(answer)).toBe(passed);
  });

  test("asks for the preset's page as nobody", async () => {
    let asked: { url: string | undefined; headers: IncomingHttpHeaders } = { url: "", headers: {} };
    await attempt((req, res) => {
      asked = { url: req.url, headers: req.headers };
      res.end("<html>whole</html>");
    });
    expect(asked).toMatchObject({ url: "/home", headers: { "user-agent": "browser/1" } });
    expect(asked.headers.cookie).toBeUndefined();
  });

  test("without a page of the preset's the status of / decides", async () => {
    expect(await attempt((req, res) => res.writeHead(req.url === "/" ? 302 : 500, { location: "/en" }).end(), null)).toBe(true);
  });
});
