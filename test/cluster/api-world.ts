/** An API server shared by the tests of one file, and clients on namespaces of it that nobody used before. */
import { afterAll, beforeAll } from "vitest";
import { createKubernetesClient } from "../../src/adapters/kubernetes/client.ts";
import type { KubernetesClient } from "../../src/adapters/kubernetes/client.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { startApiServer } from "./api-server.ts";
import type { ApiServer } from "./api-server.ts";

export type ApiWorld = {
  api(): ApiServer;
  /** Makes a namespace. */
  namespace(): Promise<string>;
  /** The administrator's; closed at the end of the file. */
  client(namespace: string): KubernetesClient;
};

/** To be called at the top of a `describe`. */
export function createApiWorld(): ApiWorld {
  let running: ApiServer | null = null;
  let namespaces = 0;
  const clients: KubernetesClient[] = [];
  const api = (): ApiServer => {
    if (running === null) throw new Error("the API server has not been started");
    return running;
  };
  beforeAll(async () => {
    running = await startApiServer();
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await running?.stop();
  });
  return {
    api,
    namespace: async () => {
      namespaces += 1;
      const name = `shop-${namespaces}`;
      const { status, body } = await api().ask("POST", "/api/v1/namespaces", { metadata: { name } });
      if (status !== 201) throw new Error(`no namespace: ${JSON.stringify(body)}`);
      return name;
    },
    client: (namespace) => {
      const client = createKubernetesClient({ clock: createSystemClock(), access: { kind: "kubeconfig", file: api().kubeconfig }, namespace });
      clients.push(client);
      return client;
    },
  };
}
