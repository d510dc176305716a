/** A region's pods and what buyers would reach, on an API server without nodes: sidecars and origin are servers of ours. */
import { createServer } from "node:http";
import { apiScene } from "./api-scene.ts";
import type { ApiWorld } from "./api-world.ts";
import { addressesFor } from "./singletons.ts";
import { toldSidecar } from "./told-sidecars.ts";
import type { Shopfront } from "./two-regions.ts";

export type ApiShopfront = Shopfront & {
  /** Its origin answers as an Ingress does behind which nobody is left. */
  fail(): void;
};

const PODS = ["web-1", "web-2"] as const;

export async function openApiShopfront(world: ApiWorld, stack: AsyncDisposableStack): Promise<ApiShopfront> {
  const scene = await apiScene(world);
  stack.defer(() => scene.end());
  const { port, ips } = await addressesFor(PODS.length);
  const sidecars = await Promise.all(ips.map((ip) => toldSidecar(ip, port)));
  const end = async (): Promise<void> => void (await Promise.all(sidecars.map((one) => one.stop())));
  stack.defer(end);
  const refs = await Promise.all(PODS.map((name, index) => scene.addPod({ name, app: "storefront", ip: ips[index] ?? "" })));
  await scene.addEndpoints("storefront", refs);
  await scene.addDeployment("storefront");
  const origin = await startOrigin(stack);
  return {
    kubeconfig: world.api().kubeconfig, namespace: scene.cluster.namespace, sidecarPort: port, ...origin,
    vanish: async () => void (await Promise.all([origin.vanish(), end(), ...PODS.map((name) => scene.removePod(name))])),
  };
}

async function startOrigin(stack: AsyncDisposableStack): Promise<Pick<ApiShopfront, "address" | "origin" | "fail" | "vanish">> {
  const { ips: [address = ""], port } = await addressesFor(1);
  let status = 200;
  const server = createServer((_request, response) => void response.writeHead(status, { "content-type": "text/html" }).end("<!doctype html><title>Shop</title>"));
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, address, resolve));
  const vanish = (): Promise<void> => {
    server.closeAllConnections();
    return new Promise((resolve) => void server.close(() => resolve()));
  };
  stack.defer(vanish);
  return { address, origin: `http://${address}:${port}`, fail: () => void (status = 503), vanish };
}
