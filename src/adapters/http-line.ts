/**
 * One connection of the Http port. It carries one exchange at a time and tells it what
 * comes; what comes while it is idle ends it.
 *
 * All connections read into one buffer, which no stream stands before: the system
 * fills it when a socket is readable, and its reader is done with it when it returns.
 */
import { connect as connectTcp, isIP } from "node:net";
import type { LookupFunction, Socket, TcpNetConnectOpts } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Instant } from "../core/time.ts";

/** Whoever has the line. None of these is called after the line was dropped. */
export type LineUser = {
  /** The bytes are overwritten after it returns. */
  received(bytes: Buffer): void;
  /** The server has ended the connection in good order. */
  ended(): void;
  broke(error: Error): void;
};

/** Where a line leads to. */
export type Destination = {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** Named to the server, and held against its certificate; "" where the host is an address. */
  readonly serverName: string;
};

export type LineParts = {
  readonly lookup: LookupFunction;
  /** Certificate authorities (PEM) trusted instead of the system's. */
  readonly ca?: string;
};

const READ_BYTES = 65_536;
const buffer = Buffer.allocUnsafeSlow(READ_BYTES);

export class Line {
  readonly #socket: Socket;
  /** An idle line that ends. */
  readonly #lost: (line: Line) => void;
  #user: LineUser | null = null;
  #dropped = false;
  /** It carried an answer before, so the server may close it just as we write. */
  used = false;
  /** While it is idle: when the server may close it. */
  expiresAt: Instant = Infinity;

  constructor(to: Destination, parts: LineParts, lost: (line: Line) => void) {
    this.#lost = lost;
    this.#socket = open(to, parts, (length) => this.#received(length));
    this.#socket.on("error", (error: Error) => this.#broke(error));
    this.#socket.on("end", () => this.#ended());
    this.#socket.on("close", () => this.#ended());
  }

  /** Sends a request. A string is Latin-1. */
  send(user: LineUser, bytes: string | Buffer): void {
    this.#user = user;
    this.#socket.write(bytes, "latin1");
  }

  /** @returns whether it can carry another exchange. */
  release(): boolean {
    this.#user = null;
    this.used = true;
    // An answer that came before its request had left leaves the two out of step.
    return !this.#dropped && this.#socket.writableLength === 0 && !this.#socket.destroyed;
  }

  drop(): void {
    this.#user = null;
    this.#dropped = true;
    this.#socket.destroy();
  }

  /** Dropped when its time is over: see `Deadlines`. */
  expire(): void {
    this.#lost(this);
  }

  #received(length: number): void {
    if (this.#dropped) return;
    // Nobody asked: what it would say to the next request could not be told from this.
    if (this.#user === null) this.#lost(this);
    else this.#user.received(buffer.subarray(0, length));
  }

  #ended(): void {
    if (this.#dropped) return;
    if (this.#user === null) this.#lost(this);
    else this.#user.ended();
  }

  #broke(error: Error): void {
    if (this.#dropped) return;
    if (this.#user === null) this.#lost(this);
    else this.#user.broke(error);
  }
}

function open({ secure, host, port, serverName }: Destination, { lookup, ca }: LineParts, received: (length: number) => void): Socket {
  const options: TcpNetConnectOpts = {
    host,
    port,
    lookup,
    noDelay: true,
    onread: {
      buffer,
      callback: (length) => {
        received(length);
        return true;
      },
    },
  };
  if (!secure) return connectTcp(options);
  return connectTls({ ...options, ALPNProtocols: ["http/1.1"], ...(serverName === "" ? {} : { servername: serverName }), ...(ca === undefined ? {} : { ca }) });
}

/** A host's name as TLS takes it: addresses have none. */
export function serverNameOf(hostField: string): string {
  const { hostname } = new URL(`http://${hostField}`);
  return isIP(hostname.replace(/^\[|\]$/g, "")) === 0 ? hostname : "";
}
