/**
 * The faults of the demo: how each is put in, taken away, and what Shopkeeper should do about it.
 */
import type { Twin } from "./twins.ts";

export type Fault = {
  readonly name: string;
  readonly title: string;
  readonly inject: (twin: Twin) => Promise<void>;
  /** For faults beyond the application that only the world can mend; absent: the recovery must mend it. */
  readonly clear?: (twin: Twin) => Promise<void>;
  /** How long such a fault lasts. */
  readonly lastsMs?: number;
  /** The remedy expected in the ledger. */
  readonly remedy: "restart_process" | "hold_breaker";
};

export const FAULTS: readonly Fault[] = [
  { name: "killed", title: "application killed", inject: (twin) => signal(twin, "SIGKILL"), remedy: "restart_process" },
  { name: "hung", title: "application hung", inject: (twin) => signal(twin, "SIGSTOP"), remedy: "restart_process" },
  { name: "broken", title: "every page answers 500", inject: (twin) => call(`${twin.appUrl}/__demo/break`, "POST"), remedy: "restart_process" },
  {
    name: "api",
    title: "Storefront API down",
    inject: (twin) => call(`${twin.apiUrl}/__sim/fault`, "PUT", { kind: "status", status: 503 }),
    clear: (twin) => call(`${twin.apiUrl}/__sim/fault`, "DELETE"),
    lastsMs: 25_000,
    remedy: "hold_breaker",
  },
];

/** Both twins get the same fault: the bare application and the one behind Shopkeeper. */
async function signal(twin: Twin, name: NodeJS.Signals): Promise<void> {
  process.kill(await twin.appPid(), name);
}

async function call(url: string, method: "POST" | "PUT" | "DELETE", body?: unknown): Promise<void> {
  const response = await fetch(url, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }), signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`${method} ${url} answered ${response.status}`);
}
