/**
 * A road from one place to another: a TCP proxy of ours that can be closed both ways, one way, or with a refusal.
 *
 * What is sent along a closed road is lost; a connection that lost something is reset when the road opens again, since
 * whoever waited on it has given up.
 */
import { once } from "node:events";
import net from "node:net";
import type { Address } from "./network.ts";

/**
 * `silent`: nothing arrives, either way. `requests`, `answers`: what is asked, or what is answered, does not arrive.
 * `refused`: every connection is reset at once.
 */
export type Closure = "silent" | "requests" | "answers" | "refused";

type Pair = { readonly asker: net.Socket; readonly asked: net.Socket | null; lost: boolean };

export class Road {
  readonly #server: net.Server;
  readonly #to: Address;
  readonly #pairs = new Set<Pair>();
  #closure: Closure | null = null;

  private constructor(server: net.Server, to: Address) {
    this.#server = server;
    this.#to = to;
    server.on("connection", (socket: net.Socket) => this.#take(socket));
  }

  static async open(from: Address, to: Address): Promise<Road> {
    const server = net.createServer({ noDelay: true });
    const road = new Road(server, to);
    server.listen(from.port, from.host);
    await once(server, "listening");
    return road;
  }

  /** Where it begins. */
  get address(): Address {
    const { address, port } = this.#server.address() as net.AddressInfo;
    return { host: address, port };
  }

  close(closure: Closure): void {
    this.#closure = closure;
    if (closure === "refused") for (const pair of this.#pairs) end(pair);
  }

  mend(): void {
    this.#closure = null;
    for (const pair of this.#pairs) if (pair.lost) end(pair);
  }

  async stop(): Promise<void> {
    for (const pair of this.#pairs) end(pair);
    this.#server.close();
    await once(this.#server, "close");
  }

  #take(asker: net.Socket): void {
    asker.on("error", () => undefined);
    if (this.#closure === "refused") return void asker.resetAndDestroy();
    // Nobody at the other end hears of a connection whose first packet is lost.
    const asked = this.#closure === "silent" || this.#closure === "requests" ? null : net.connect({ ...this.#to, noDelay: true });
    const pair: Pair = { asker, asked, lost: asked === null };
    this.#pairs.add(pair);
    asker.once("close", () => {
      this.#pairs.delete(pair);
      asked?.destroy();
    });
    if (asked === null) return void asker.resume();
    asked.on("error", () => asker.resetAndDestroy());
    asked.once("close", () => asker.destroy());
    this.#relay(pair, asker, asked, "requests");
    this.#relay(pair, asked, asker, "answers");
  }

  #relay(pair: Pair, from: net.Socket, to: net.Socket, way: "requests" | "answers"): void {
    const isClosed = (): boolean => this.#closure === "silent" || this.#closure === way;
    from.on("data", (bytes: Buffer) => {
      if (isClosed()) pair.lost = true;
      else if (!to.write(bytes)) {
        from.pause();
        to.once("drain", () => from.resume());
      }
    });
    from.once("end", () => {
      if (!isClosed()) to.end();
    });
  }
}

function end({ asker, asked }: Pair): void {
  asker.resetAndDestroy();
  asked?.resetAndDestroy();
}
