/** The ledger of a daemon in a cluster: a line per entry, and the newest as a ring in a ConfigMap. */
import type { LedgerEntry } from "../core/ledger-entry.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { KubernetesClient } from "./kubernetes/client.ts";
import { ConfigMapDocument } from "./kubernetes/config-map.ts";
import type { Content } from "./kubernetes/config-map.ts";
import type { LedgerLimits } from "./ledger-bounds.ts";
import { mergeEntries, parseEntries, printEntries } from "./ledger-merge.ts";
import type { Merged } from "./ledger-merge.ts";
import { openRingLedger } from "./ring-ledger.ts";
import type { LedgerVoice, RingHome } from "./ring-ledger.ts";

/** Half of what a ConfigMap holds: a write sends all of it. */
export const MAX_RING_BYTES = 512 * 1024;
const KEY = "entries.jsonl";

export type KubernetesLedgerOptions = LedgerVoice & {
  readonly client: KubernetesClient;
  /** Of the ConfigMap; made at the first write. */
  readonly name: string;
  /** `maxBytes` counts up to MAX_RING_BYTES. */
  readonly limits: LedgerLimits;
};

/** Reads what is there; begins empty, and says so, where it cannot. */
export function openKubernetesLedger({ client, name, limits, line, problem }: KubernetesLedgerOptions): Promise<Ledger> {
  const maxBytes = Math.min(limits.maxBytes, MAX_RING_BYTES);
  return openRingLedger({ home: configMapHome(client, name, maxBytes), clock: client.clock, limits: { ...limits, maxBytes }, line, problem });
}

function configMapHome(client: KubernetesClient, name: string, maxBytes: number): RingHome {
  const closing = new AbortController();
  const document = new ConfigMapDocument(client, name, closing.signal);
  return {
    read: async () => parse(await document.read()),
    save: (ours, savedSeq) =>
      document.change<Merged>((content) => {
        const merged = mergeEntries(parse(content), ours, savedSeq);
        return { content: new Map([...content, [KEY, printEntries(merged.entries, maxBytes)]]), result: merged };
      }),
    close: () => closing.abort(),
  };
}

function parse(content: Content): readonly LedgerEntry[] {
  return parseEntries(content.get(KEY) ?? "");
}
