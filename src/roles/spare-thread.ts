/**
 * The gateway's first thread, started while the configuration is still being read: loading its modules takes
 * as long as reading, and buyers wait for both.
 */
import { MessageChannel, Worker } from "node:worker_threads";
import type { SpareThread } from "../gateway/worker-thread.ts";
import type { WorkerAhead } from "../gateway/worker-link.ts";
import { GATEWAY_WORKER } from "./thread-entries.ts";

export type Spare = {
  /** The thread, once; null when it was taken or has ended, and a new one has to be started. */
  take(): SpareThread | null;
  /** Ends it if nobody took it. */
  close(): Promise<void>;
};

/** Starts it. It keeps no process alive until it is taken. */
export function startSpareThread(): Spare {
  const { port1: boot, port2: ahead } = new MessageChannel();
  const worker = new Worker(GATEWAY_WORKER, { name: "gateway-1", workerData: { ahead } satisfies WorkerAhead, transferList: [ahead] });
  let spare: SpareThread | null = { worker, boot };
  worker.unref();
  boot.unref();
  const gone = (): void => {
    spare = null;
  };
  // One that breaks is as good as none: the thread started in its place tells the reason.
  worker.once("error", gone);
  worker.once("exit", gone);
  return {
    take() {
      const taken = spare;
      spare = null;
      return taken;
    },
    async close() {
      if (spare === null) return;
      spare = null;
      boot.close();
      await worker.terminate();
    },
  };
}
