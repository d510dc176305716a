/** A region's shop on real nodes: the pods of a Deployment, and a Service by which buyers, and those who look from outside, reach them. */
import { create } from "../ask.ts";
import type { ControlPlane } from "../control-plane.ts";
import { podsOf } from "../storefront/pods.ts";
import { waitUntil } from "../storefront/waiting.ts";
import { strangerKubeconfig } from "../strangers.ts";
import type { Shopfront } from "../two-regions.ts";
import { SIDECAR_PORT } from "./real-pods.ts";
import { objects, path, shippedRules } from "./shop.ts";

const PODS = 2;
/** Images are there; containers start on two cores that others use, too. */
const READY_WITHIN_MS = 90_000;

/**
 * @param namespace used once.
 * @param address as `Shopfront` has it.
 */
export async function openRealShopfront({ ask, ...plane }: ControlPlane, namespace: string, address: string): Promise<Shopfront> {
  // What answers in these pods is the sidecar.
  const front = { metadata: { name: "front" }, spec: { selector: { "app.kubernetes.io/name": "storefront" }, ports: [{ port: 80, targetPort: SIDECAR_PORT }] } };
  const services = path(namespace, "v1", "services");
  await create(ask, [["/api/v1/namespaces", { metadata: { name: namespace } }], ...objects({ namespace, replicas: PODS }), [services, front]]);
  const kubeconfig = await strangerKubeconfig({ ask, ...plane }, namespace, await shippedRules());
  await waitUntil(async () => (await podsOf(ask, namespace)).filter(({ ready }) => ready).length === PODS, `${PODS} pods of ${namespace} are ready`, READY_WITHIN_MS);
  const { spec } = (await ask("GET", `${services}/front`)).body as { spec: { clusterIP: string } };
  return {
    kubeconfig, namespace, sidecarPort: SIDECAR_PORT, address, origin: `http://${spec.clusterIP}`,
    vanish: async () => {
      const { status, body } = await ask("PATCH", `${path(namespace, "apps/v1", "deployments")}/storefront`, { spec: { replicas: 0 } });
      if (status !== 200) throw new Error(`the Deployment: ${status} ${JSON.stringify(body)}`);
      await waitUntil(async () => (await podsOf(ask, namespace)).length === 0, `the pods of ${namespace} are gone`, READY_WITHIN_MS);
    },
  };
}
