import { connect, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { createHttpDate, checkedLines } from "../../src/gateway/whole-answer.ts";
import { createWorld, NONCE, rendered, sendPage, until, type World } from "./ingress-world.ts";

/** A request for the host under which `visit` stored its pages. */
function get({ port }: World, path: string, ...fields: readonly string[]): string {
  return [`GET ${path} HTTP/1.1`, `host: 127.0.0.1:${port}`, ...fields, "", ""].join("\r\n");
}

/** A connection whose every byte is kept. */
function dial(port: number): { readonly socket: Socket; heard(): string; readonly closed: () => boolean } {
  const socket = connect({ port, host: "127.0.0.1" });
  let text = "";
  let closed = false;
  socket.on("data", (chunk) => (text += chunk.toString("latin1")));
  socket.on("close", () => (closed = true));
  socket.on("error", () => {});
  return { socket, heard: () => text, closed: () => closed };
}

type Parsed = { readonly status: number; readonly fields: ReadonlyMap<string, string>; readonly body: string };

/** Takes apart answers framed by Content-Length. */
function answersIn(text: string): readonly Parsed[] {
  const found: Parsed[] = [];
  for (let rest = text; rest.includes("\r\n\r\n"); ) {
    const end = rest.indexOf("\r\n\r\n");
    const [first = "", ...lines] = rest.slice(0, end).split("\r\n");
    const fields = new Map(lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 2)]));
    const length = Number(fields.get("content-length") ?? "0");
    if (rest.length < end + 4 + length) break;
    found.push({ status: Number(first.split(" ")[1]), fields, body: rest.slice(end + 4, end + 4 + length) });
    rest = rest.slice(end + 4 + length);
  }
  return found;
}

/** A world in which `/` is stored, and `/slow` is answered when told. */
async function shop(text = "hello"): Promise<World & { readonly release: () => void }> {
  const held = Promise.withResolvers<void>();
  const world = await createWorld((req, res) => {
    if (req.url?.startsWith("/api/") === true) void held.promise.then(() => res.end("slow"));
    else sendPage(res, text);
  });
  await world.visit("/");
  return Object.assign(world, { release: held.resolve });
}

describe("a stored page sent whole", () => {
  test("carries the same fields as one that node:http puts together, and a Date", async () => {
    await using world = await shop();
    const { socket, heard } = dial(world.port);
    socket.write(get(world, "/"));
    await until(() => answersIn(heard()).length === 1);
    const byNode = await world.ask("/", { headers: { expect: "100-continue", connection: "keep-alive" } });
    const [whole] = answersIn(heard());
    expect([...(whole?.fields.keys() ?? [])].toSorted()).toEqual([...Object.keys(byNode.headers)].toSorted());
    expect(whole?.fields.get("date")).toBe(new Date(world.clock.wall()).toUTCString());
    expect(whole?.fields.get("keep-alive")).toBe("timeout=75");
    expect(whole?.fields.get("connection")).toBe("keep-alive");
    socket.destroy();
  });

  test("follows another on the same connection, each with a nonce of its own in head and body", async () => {
    await using world = await shop();
    const { socket, heard } = dial(world.port);
    for (let turn = 1; turn <= 3; turn += 1) {
      socket.write(get(world, "/"));
      await until(() => answersIn(heard()).length === turn);
    }
    const nonces = answersIn(heard()).map(({ fields }) => /'nonce-([0-9a-f]{32})'/.exec(fields.get("content-security-policy") ?? "")?.[1] ?? "none");
    expect(new Set([...nonces, NONCE]).size).toBe(4);
    expect(answersIn(heard()).map(({ body }) => body)).toEqual(nonces.map((nonce) => rendered("hello", nonce)));
    socket.destroy();
  });

  test("gets its nonce wherever the policy names one", async () => {
    const policy = (nonce: string): string => `script-src 'nonce-${nonce}' 'self'; style-src 'nonce-${nonce}'`;
    await using world = await createWorld((_, res) => sendPage(res, "hello", { "content-security-policy": policy(NONCE) }));
    await world.visit("/");
    const { socket, heard } = dial(world.port);
    socket.write(get(world, "/"));
    await until(() => answersIn(heard()).length === 1);
    const [answer] = answersIn(heard());
    const nonce = /<script nonce="([0-9a-f]{32})"/.exec(answer?.body ?? "")?.[1] ?? "none";
    expect(answer?.fields.get("content-security-policy")).toBe(policy(nonce));
    expect([answer?.body, nonce === NONCE]).toEqual([rendered("hello", nonce), false]);
    socket.destroy();
  });

  test("waits for its turn behind an answer that takes longer", async () => {
    await using world = await shop();
    const { socket, heard } = dial(world.port);
    socket.write(get(world, "/api/slow") + get(world, "/") + get(world, "/"));
    await until(() => world.seen.some(({ url }) => url === "/api/slow"));
    expect(heard()).toBe("");
    world.release();
    await until(() => heard().split("streamController.close").length === 3);
    expect(heard().indexOf("slow")).toBeLessThan(heard().indexOf("<!DOCTYPE"));
    expect(heard().split("HTTP/1.1 200 OK").length).toBe(4);
    socket.destroy();
  });

  test.each([
    ["HTTP/1.0", (world: World) => get(world, "/").replace("HTTP/1.1", "HTTP/1.0")],
    ["a connection that is not to be kept", (world: World) => get(world, "/", "connection: close")],
  ])("is not sent to %s: its end closes the connection", async (_, request) => {
    await using world = await shop();
    const { socket, heard, closed } = dial(world.port);
    socket.write(request(world));
    await until(closed);
    const [answer] = answersIn(heard());
    expect(answer?.fields.get("connection")).toBe("close");
    expect(answer?.fields.get("x-cache-status")).toBe("HIT");
    expect(answer?.body).toMatch(/streamController\.close\(\);<\/script>$/);
  });

  test("after a client's leave to continue is an answer of its own", async () => {
    await using world = await shop();
    const { socket, heard } = dial(world.port);
    socket.write(get(world, "/", "expect: 100-continue"));
    await until(() => heard().includes("streamController.close"));
    expect(heard()).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    socket.destroy();
  });

  test("reaches a reader who stops halfway while others are served, unmixed with theirs", async () => {
    await using world = await shop("x".repeat(400_000));
    const slow = dial(world.port);
    slow.socket.pause();
    // More than the system takes for one connection: the rest waits in the buffers that were written.
    const asked = 40;
    slow.socket.write(get(world, "/").repeat(asked));
    const others = await Promise.all(Array.from({ length: 20 }, () => world.ask("/")));
    slow.socket.resume();
    await until(() => slow.heard().length > asked * 400_000 && slow.heard().endsWith("streamController.close();</script>"));
    const all = [...answersIn(slow.heard()).map(({ fields, body }) => ({ policy: fields.get("content-security-policy"), body })), ...others.map(({ headers, body }) => ({ policy: String(headers["content-security-policy"]), body }))];
    const nonces = all.map(({ policy }) => /'nonce-([0-9a-f]{32})'/.exec(policy ?? "")?.[1] ?? "none");
    expect(new Set(nonces).size).toBe(all.length);
    expect(all.filter(({ body }, at) => body !== rendered("x".repeat(400_000), nonces[at]))).toEqual([]);
    slow.socket.destroy();
  });

  test("to a buyer who leaves meanwhile harms nobody", async () => {
    await using world = await shop("x".repeat(400_000));
    const leaving = dial(world.port);
    leaving.socket.pause();
    leaving.socket.write(get(world, "/").repeat(40));
    await world.ask("/");
    leaving.socket.destroy();
    await until(leaving.closed);
    const after = await world.ask("/");
    expect(after.status).toBe(200);
    expect(after.body.endsWith("streamController.close();</script>")).toBe(true);
  });

  test("leaves the connection for requests of other kinds", async () => {
    await using world = await shop();
    const { socket, heard } = dial(world.port);
    socket.write(get(world, "/"));
    await until(() => answersIn(heard()).length === 1);
    socket.write(`${get(world, "/cart", "content-length: 5").replace("GET", "POST")}hello`);
    await until(() => world.seen.some(({ method, body }) => method === "POST" && body === "hello"));
    socket.write(get(world, "/"));
    await until(() => heard().split("x-cache-status: HIT").length === 3);
    expect(world.seen.filter(({ method }) => method === "POST").map(({ url, body }) => `${url} ${body}`)).toEqual(["/cart hello"]);
    socket.destroy();
  });
});

describe("lines of a head", () => {
  test("are the fields in their order", () => {
    expect(checkedLines(["a", "1", "set-cookie", "x=y"])).toBe("a: 1\r\nset-cookie: x=y\r\n");
  });

  test.each([
    ["a name with a space", ["a b", "1"]],
    ["a line break in a value", ["a", "1\r\nset-cookie: x"]],
    ["a character beyond Latin-1", ["a", "č"]],
  ])("are refused for %s", (_, fields) => {
    expect(checkedLines(fields)).toBeNull();
  });
});

describe("the Date field", () => {
  test("moves with the second, and back with a clock set back", () => {
    const date = createHttpDate();
    const times = [0, 999, 1_000, 500].map((now) => date(now));
    expect(times).toEqual(["Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:01 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"]);
  });
});
