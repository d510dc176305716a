/** A Storefront API of which only whether it answers matters. */
import { once } from "node:events";
import { createServer } from "node:http";

export type ApiStandIn = AsyncDisposable & { readonly url: string; isDown: boolean };

export async function apiStandIn(): Promise<ApiStandIn> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(standIn.isDown ? 503 : 200, { "content-type": "application/json" }).end(JSON.stringify({ data: { shop: { name: "told" } } }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const standIn: ApiStandIn = {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    isDown: false,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return standIn;
}
