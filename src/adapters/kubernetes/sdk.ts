/**
 * The one file that loads @kubernetes/client-node: half a second and tens of megabytes, so whoever composes
 * imports `client.ts`, and with it this, only where there is a cluster. Named exports keep a bundle to what is used:
 * what ships has a file of its own for it (build.ts), which no other role reads.
 */
export {
  AppsV1Api,
  AuthorizationV1Api,
  AutoscalingV2Api,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  DiscoveryV1Api,
  EventsV1Api,
  KubeConfig,
  Observable,
  PolicyV1Api,
  ResponseContext,
  ServerConfiguration,
  V1MicroTime,
  Watch,
  createConfiguration,
} from "@kubernetes/client-node";
/** Its HTTP: the pool must be of the copy that sends through it. */
export { Agent, ProxyAgent, request } from "undici";
