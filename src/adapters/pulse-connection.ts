/** The PulseSocket port on plain TCP. */
import { connect } from "node:net";
import type { HeldEvents, PulseSocket } from "../ports/pulse-socket.ts";
import { createNameLookup } from "./name-lookup.ts";

const CONNECT_MS = 5_000;

export function createPulseConnection(): PulseSocket {
  const names = createNameLookup();
  return {
    hold: (url, events) => {
      const { hostname, port, protocol } = new URL(url);
      const host = hostname.replace(/^\[|\]$/g, "");
      const number = port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
      return holdSocket(connect({ host, port: number, lookup: names.lookup, timeout: CONNECT_MS, noDelay: true }), events);
    },
  };
}

function holdSocket(socket: ReturnType<typeof connect>, events: HeldEvents): () => void {
  let over = false;
  const close = (detail: string): void => {
    if (over) return;
    over = true;
    socket.destroy();
    events.closed(detail);
  };
  socket.once("connect", () => {
    socket.setTimeout(0);
    if (!over) events.opened();
  });
  socket.once("timeout", () => close(`no connection within ${CONNECT_MS} ms`));
  socket.once("end", () => close("closed by the other side"));
  socket.once("error", (error) => close(error.message));
  socket.once("close", () => close("closed"));
  socket.resume();
  return () => {
    over = true;
    socket.destroy();
  };
}
