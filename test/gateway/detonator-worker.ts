/**
 * The real gateway worker, with a detonator of the test's beside it: a message on its
 * channel ends the thread by an error nobody catches.
 */
import "../../src/gateway-worker.ts";

new BroadcastChannel("gateway-detonator").addEventListener("message", () => {
  throw new Error("detonated");
});
