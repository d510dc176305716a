/**
 * Closes the entrance without resetting anybody who was already through the door.
 *
 * Closing a listening socket resets the connections that wait in its queue (Linux: unless
 * net.ipv4.tcp_migrate_req is 1 and a successor listens), and closing an idle connection resets the request
 * that has just arrived on it. Nothing can close either "only if empty", so both are closed right after the
 * loop has looked and found them so: what is left is the time between that look and the close, microseconds.
 */
import type { Server } from "node:http";
import { Server as NetServer, type Socket } from "node:net";
import type { Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";

export type Closing = {
  readonly clock: Clock;
  /** After this, what still runs is cut. */
  readonly withinMs: Ms;
  /** Connections that are open. */
  readonly sockets: ReadonlySet<Socket>;
  /** Ends connections that the server no longer knows: upgraded ones. */
  readonly cut: () => void;
};

/** A turn of the loop no longer than this had next to nothing to do between its look and its end. */
const SHORT_TURN: Ms = 0.2;
/** Turns waited for a short one that let nobody in; a busy loop has about a thousand a second. */
const MOST_TURNS = 1_000;
/**
 * Idle connections are kept this long: those in use learn from an answer that they end (RFC 9112 §9.6), so that
 * only unused ones are closed under their owner's hands.
 */
const LINGER: Ms = 1_000;

/** Stops accepting, lets what runs finish, to the last byte. Answers given meanwhile must say `Connection: close`. Resolves when the last connection is closed. */
export async function closeServer(server: Server, { clock, withinMs, sockets, cut }: Closing): Promise<void> {
  const patience = { over: false };
  const ended = new Promise<void>((resolve) => server.once("close", resolve));
  const cutAll = (): void => {
    patience.over = true;
    cut();
    server.closeAllConnections();
  };
  const cancelCut = clock.after(withinMs, cutAll);
  onEmptyTurn(server, clock, patience, () => {
    // Not HTTP's own close, which ends idle connections at this very moment.
    NetServer.prototype.close.call(server);
    // Somebody may have been let in since.
    if (patience.over) cutAll();
  });
  const stopLingering = closeIdle(server, sockets, clock);
  await ended;
  stopLingering();
  cancelCut();
  // Ends what only HTTP's own close ends: the watch over heads and requests that take too long, needed until now.
  server.close();
}

/** Calls back right after a look at the sockets, at the end of a turn of the loop in which nobody came in. */
function onEmptyTurn(server: Server, clock: Clock, patience: { readonly over: boolean }, then: () => void): void {
  let turns = 0;
  let came = true;
  let since = clock.now();
  const note = (): void => void (came = true);
  const look = (): void => {
    const now = clock.now();
    const empty = !came && now - since <= SHORT_TURN;
    turns += 1;
    if (!empty && turns < MOST_TURNS && !patience.over) {
      came = false;
      since = now;
      setImmediate(look);
      return;
    }
    then();
    server.off("connection", note);
  };
  server.on("connection", note);
  setImmediate(look);
}

/**
 * Closes connections without a request, again and again. To Node a connection is idle once its answer was handed
 * over, though a slow buyer may still be reading it: while there is one such, none is closed.
 *
 * @returns a function that ends it.
 */
function closeIdle(server: Server, sockets: ReadonlySet<Socket>, clock: Clock): () => void {
  let cancel = (): void => {};
  let stopped = false;
  const again = (): void => {
    if (stopped) return;
    if (![...sockets].some((socket) => socket.writableLength > 0)) server.closeIdleConnections();
    later();
  };
  // At the end of a turn, after its look at the sockets: a connection whose request has arrived is not idle then.
  const later = (): void => void (cancel = clock.after(LINGER, () => void setImmediate(again)));
  later();
  return () => {
    stopped = true;
    cancel();
  };
}
