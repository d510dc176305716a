/** Waiting for what a cluster does in its own time. */
import { setTimeout as pause } from "node:timers/promises";

/** Often enough for seconds to be told apart, and little work for a machine of two cores. */
const POLL_MS = 250;

/** Asks again and again until it holds; a question that fails is asked again too. @throws {Error} when time is up, with the last failure. */
export async function waitUntil(holds: () => boolean | Promise<boolean>, what: string, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  let failure: unknown = null;
  for (;;) {
    try {
      if (await holds()) return;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > deadline) throw new Error(`not within ${withinMs / 1_000} s: ${what}`, { cause: failure });
    await pause(POLL_MS);
  }
}
