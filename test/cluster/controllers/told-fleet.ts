/** The sidecars of all fake pods of a shop: every address of theirs is this machine, so one server answers for each as it is told. */
import { once } from "node:events";
import { createServer } from "node:http";
import { answerAs, PEER_TOKEN } from "../told-sidecars.ts";

export type ToldFleet = AsyncDisposable & {
  readonly port: number;
  /** Whose application is ill, by the address of the pod. */
  isIll: (ip: string) => boolean;
  /** That each tells of itself, of its request. */
  cpuPercent: number;
};

export async function toldFleet(): Promise<ToldFleet> {
  const server = createServer((request, response) => {
    const ip = request.socket.localAddress ?? "";
    const known = request.headers.authorization === `Bearer ${PEER_TOKEN}`;
    answerAs(response, known, { verdict: fleet.isIll(ip) ? "unhealthy" : "healthy", cause: "status", cpuPercent: fleet.cpuPercent });
  });
  server.listen(0, "0.0.0.0");
  await once(server, "listening");
  const address = server.address();
  const fleet: ToldFleet = {
    port: typeof address === "object" && address !== null ? address.port : 0,
    isIll: () => false,
    cpuPercent: 20,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fleet;
}
