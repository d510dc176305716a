/** An address that others answer behind, each call asked anew where it goes: a Service, or the pod of whoever leads. */
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Relay = { readonly url: string; stop(): Promise<void> };

export type Behind = { readonly host: string; readonly port: number };

/**
 * No connection is kept to whoever is behind: one that stands still would go on being asked when it is not meant any more.
 *
 * @param port 0: any that is free.
 * @param to null: nobody, and the call is cut off.
 */
export async function startRelay(host: string, port: number, to: () => Behind | null): Promise<Relay> {
  const server = createServer((request, response) => pass(request, response, to()));
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, host, resolve));
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}

function pass(near: IncomingMessage, response: ServerResponse, behind: Behind | null): void {
  if (behind === null) return void near.destroy();
  const far = ask({ ...behind, method: near.method, path: near.url, headers: { ...near.headers, connection: "close" }, agent: false });
  far.once("response", (answer) => {
    const { connection: _connection, ...headers } = answer.headers;
    response.writeHead(answer.statusCode ?? 502, headers);
    answer.pipe(response);
  });
  far.on("error", () => near.destroy());
  response.once("close", () => far.destroy());
  near.pipe(far);
}
