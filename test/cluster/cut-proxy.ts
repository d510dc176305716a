/**
 * A way to an API server of one client's own, which can be cut and healed.
 *
 * Cut, it takes what is sent and holds it, as a network does that loses its way for a while: what was on the way arrives when it
 * is healed, also from a client that is no more. It speaks TLS with the server's own key, so that it can be cut at the very
 * moment an eviction passes.
 */
import { readFile } from "node:fs/promises";
import { createServer, connect, type TLSSocket } from "node:tls";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import type { ApiServer } from "./api-server.ts";
import { writeKubeconfig } from "./pki.ts";

export type CutProxy = {
  /** Leads through it. */
  readonly kubeconfig: string;
  /** From now on nothing arrives, either way. */
  cut(): void;
  /** What was held goes on its way. */
  heal(): void;
  /** Called once with the next eviction that is no dry run, before it goes on: cut there, it is held itself. */
  atEviction(call: () => void): void;
  stop(): Promise<void>;
};

/** Held bytes a connection may have; beyond it is destroyed. */
const MAX_HELD_BYTES = 4 * 1024 * 1024;
const EVICTION = /^POST \S+\/eviction(?![^ ]*dryRun)\S* HTTP/m;

/** @param name part of a file's name, used once with this API server. */
export async function startCutProxy(api: ApiServer, name: string): Promise<CutProxy> {
  const folder = dirname(api.kubeconfig);
  const [key, cert] = await Promise.all(["api.key", "api.crt"].map((file) => readFile(join(folder, "pki", file))));
  const { hostname, port } = new URL(api.server);
  const lines = new Set<Line>();
  const state = { cut: false, atEviction: (): void => {} };
  const server = createServer({ key, cert, ALPNProtocols: ["http/1.1"] }, (near) => {
    const far = connect({ host: hostname, port: Number(port), ca: api.ca, ALPNProtocols: ["http/1.1"] });
    const line = new Line(near, far, () => state.cut, (chunk) => {
      if (EVICTION.test(chunk.toString("latin1"))) state.atEviction();
    });
    lines.add(line);
    line.gone = () => lines.delete(line);
  });
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const own = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    kubeconfig: await writeKubeconfig(join(folder, `${name}.kubeconfig`), { server: own, ca: api.ca, token: api.adminToken }),
    cut: () => void (state.cut = true),
    heal: () => {
      state.cut = false;
      for (const line of lines) line.release();
    },
    atEviction: (call) => {
      state.atEviction = () => {
        state.atEviction = () => {};
        call();
      };
    },
    stop: async () => {
      for (const line of lines) line.destroy();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

/** One connection, in two halves. */
class Line {
  readonly #near: TLSSocket;
  readonly #far: TLSSocket;
  readonly #isCut: () => boolean;
  #held: { readonly to: TLSSocket; readonly chunk: Buffer }[] = [];
  #heldBytes = 0;
  #nearLeft = false;
  gone: () => void = () => {};

  constructor(near: TLSSocket, far: TLSSocket, isCut: () => boolean, sending: (chunk: Buffer) => void) {
    this.#near = near;
    this.#far = far;
    this.#isCut = isCut;
    near.on("data", (chunk: Buffer) => {
      sending(chunk);
      this.#pass(far, chunk);
    });
    far.on("data", (chunk: Buffer) => this.#pass(near, chunk));
    near.on("error", () => undefined);
    far.on("error", () => undefined);
    near.on("close", () => {
      this.#nearLeft = true;
      // What a client sent before it went still arrives.
      if (this.#held.length === 0) this.destroy();
    });
    far.on("close", () => this.destroy());
  }

  release(): void {
    for (const { to, chunk } of this.#held.splice(0)) if (!to.destroyed) to.write(chunk);
    this.#heldBytes = 0;
    // The server answers once it has done what it was asked, and then sees that nobody is there.
    if (this.#nearLeft) this.#far.once("data", () => this.destroy());
  }

  destroy(): void {
    this.#near.destroy();
    this.#far.destroy();
    this.gone();
  }

  #pass(to: TLSSocket, chunk: Buffer): void {
    if (!this.#isCut()) return void (to.destroyed || to.write(chunk));
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > MAX_HELD_BYTES) return this.destroy();
    this.#held.push({ to, chunk });
  }
}
