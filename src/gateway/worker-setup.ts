/**
 * What a gateway worker is set up with: plain data, since it crosses threads.
 */
import type { GatewayConfig } from "../config/config.ts";
import type { ClockMark } from "../ports/clock.ts";
import { routeNames } from "./request-guard.ts";

export type WorkerSetup = {
  readonly gateway: GatewayConfig;
  /** Base URL of the application, without a trailing slash. */
  readonly upstream: string;
  /** Ties the worker's instants to the main thread's. */
  readonly clock: ClockMark;
};

/** What `startGateway` has to be handed for workers of `gateway-worker.ts`: both threads must count the same routes. */
export function workerSetup(gateway: GatewayConfig, upstream: string, clock: ClockMark): { readonly setup: WorkerSetup; readonly routes: readonly string[] } {
  return { setup: { gateway, upstream, clock }, routes: routeNames(gateway) };
}
