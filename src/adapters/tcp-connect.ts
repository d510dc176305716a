/** The Tcp port on node:net and node:tls. */
import { connect } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Tcp, TcpAnswer, TcpRequest } from "../ports/tcp.ts";
import { createNameLookup } from "./name-lookup.ts";
import type { NameLookup } from "./name-lookup.ts";
import { classify } from "./network-failure.ts";

export function createTcpConnect(clock: Clock): Tcp {
  const names = createNameLookup();
  return {
    look: (request) => look(request, clock, names),
    close: async () => names.close(),
  };
}

function look(request: TcpRequest, clock: Clock, names: NameLookup): Promise<TcpAnswer> {
  const startedAt = clock.now();
  const elapsed = (): Ms => clock.now() - startedAt;
  return new Promise((resolve) => {
    const socket = open(request, names);
    const settle = (answer: TcpAnswer): void => {
      cancel();
      request.signal?.removeEventListener("abort", onAbort);
      socket.destroy();
      resolve(answer);
    };
    const fail = (cause: Extract<TcpAnswer, { kind: "failed" }>["cause"], detail: string, noNetwork = false): void =>
      settle({ kind: "failed", cause, noNetwork, detail, tookMs: elapsed() });
    const onAbort = (): void => fail("timeout", "the caller gave up", true);
    const cancel = clock.after(request.deadlineMs, () => fail("timeout", `not done within ${request.deadlineMs} ms`));
    request.signal?.addEventListener("abort", onAbort, { once: true });

    let connectedMs: Ms = 0;
    let said = "";
    socket.once(request.tls ? "secureConnect" : "connect", () => {
      connectedMs = elapsed();
      if (request.send !== null) socket.write(request.send);
      if (request.expect === null) settle({ kind: "answer", connectedMs, tookMs: elapsed() });
    });
    socket.on("data", (chunk: Buffer) => {
      said += chunk.toString("latin1");
      if (request.expect === null) return;
      if (said.includes(request.expect)) settle({ kind: "answer", connectedMs, tookMs: elapsed() });
      else if (said.length > request.maxBytes) fail("body", `said ${said.length} bytes without ${JSON.stringify(request.expect)}`);
    });
    socket.once("error", (error) => {
      const { cause, detail, noNetwork } = classify(error, false);
      fail(cause, detail, noNetwork);
    });
    socket.once("end", () => fail(said === "" ? "truncated" : "body", said === "" ? "closed without a word" : `said ${JSON.stringify(said.length > 80 ? `${said.slice(0, 79)}…` : said)}`));
    if (request.signal?.aborted === true) onAbort();
  });
}

function open({ host, port, tls }: TcpRequest, names: NameLookup): Socket {
  if (!tls) return connect({ host, port, lookup: names.lookup, noDelay: true });
  // An address is no server name (RFC 6066 section 3).
  const servername = /^[\d.]+$|:/.test(host) ? "" : host;
  return connectTls({ host, port, lookup: names.lookup, servername });
}
