/** Every kind of look, by the name it has in `probe:`. A new kind is a file beside this one and a line here. */
import { cdnProbe } from "./cdn.ts";
import { dependenciesProbe } from "./dependencies.ts";
import { httpProbe } from "./http.ts";
import type { Probe } from "./kind.ts";
import { pageProbe } from "./page.ts";
import { processProbe } from "./process.ts";
import { redisProbe } from "./redis.ts";
import { sidecarProbe } from "./sidecar.ts";
import { storefrontApiProbe } from "./storefront-api.ts";
import { tcpProbe } from "./tcp.ts";
import { workloadProbe } from "./workload.ts";

export const probes: Readonly<Record<string, Probe>> = {
  [httpProbe.name]: httpProbe,
  [pageProbe.name]: pageProbe,
  [storefrontApiProbe.name]: storefrontApiProbe,
  [dependenciesProbe.name]: dependenciesProbe,
  [cdnProbe.name]: cdnProbe,
  [redisProbe.name]: redisProbe,
  [tcpProbe.name]: tcpProbe,
  [processProbe.name]: processProbe,
  [sidecarProbe.name]: sidecarProbe,
  [workloadProbe.name]: workloadProbe,
};
