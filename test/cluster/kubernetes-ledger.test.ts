import { describe, expect, test } from "vitest";
import { openKubernetesLedger } from "../../src/adapters/kubernetes-ledger.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import type { LedgerEntry } from "../../src/core/ledger-entry.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import { entry, ledgerContract } from "../contract/ledger.ts";
import { createApiWorld } from "./api-world.ts";
import { lacking } from "./needs.ts";
import { holds } from "./processes.ts";

const LIMITS = { maxAgeMs: 86_400_000, maxBytes: 1_000_000 };
const DEADLINE_MS = 30_000;

describe.skipIf(lacking("api").length > 0)("a ledger in a ConfigMap of the cluster", () => {
  const world = createApiWorld();

  ledgerContract("Kubernetes", async (now) => {
    const namespace = await world.namespace();
    const client = { ...world.client(namespace), clock: { ...createSystemClock(), now: () => now } };
    return {
      open: (limits) => openKubernetesLedger({ client, name: "shopkeeper-ledger", limits, line: () => {}, problem: () => {} }),
      cleanUp: async () => {},
      durable: true,
    };
  });

  const open = (namespace: string, told: string[] = [], problems: string[] = []): Promise<Ledger> =>
    openKubernetesLedger({ client: world.client(namespace), name: "shopkeeper-ledger", limits: LIMITS, line: (text) => told.push(text), problem: (text) => problems.push(text) });
  const now = Date.now();
  const stored = async (namespace: string): Promise<string> => {
    const { body } = await world.api().ask("GET", `/api/v1/namespaces/${namespace}/configmaps/shopkeeper-ledger`);
    return (body as { data?: Record<string, string> }).data?.["entries.jsonl"] ?? "";
  };

  test("writes a line per entry, and none for one that is only counted", async () => {
    const lines: string[] = [];
    const ledger = await open(await world.namespace(), lines);
    await ledger.append(entry({ at: now, kind: "hold", foldKey: "x" }));
    await ledger.append(entry({ at: now, kind: "hold", foldKey: "x" }));
    await ledger.append(entry({ at: now, text: "two\nlines" }));
    expect(lines.map((line) => (JSON.parse(line) as LedgerEntry).text)).toEqual(["restart it", "two\nlines"]);
    await ledger.close();
  });

  test("the ring follows by itself, within the half of a ConfigMap", async () => {
    const namespace = await world.namespace();
    const ledger = await open(namespace);
    for (let n = 0; n < 600; n++) await ledger.append(entry({ at: now, text: `${n} ${"x".repeat(1_500)}` }));
    expect(await holds(async () => (await stored(namespace)).includes('"599 x'), DEADLINE_MS)).toBe(true);
    expect(Buffer.byteLength(await stored(namespace))).toBeLessThanOrEqual(512 * 1024);
    await ledger.close();
  });

  test("of two writers, as when leaders change, nothing is lost and no number is used twice", async () => {
    const namespace = await world.namespace();
    const [before, after] = [await open(namespace), await open(namespace)];
    await before.append(entry({ at: now, text: "the old leader's" }));
    await before.close();
    await after.append(entry({ at: now, text: "the new leader's" }));
    await after.close();
    const reader = await open(namespace);
    const read = await reader.query({});
    expect(read.map(({ text }) => text)).toEqual(["the old leader's", "the new leader's"]);
    expect(read.map(({ seq }) => seq)).toEqual([1, 2]);
    await reader.close();
  });

  test("an entry never waits for the API server, and reaches the ring when that is back", async () => {
    const namespace = await world.namespace();
    const [lines, problems]: [string[], string[]] = [[], []];
    const ledger = await open(namespace, lines, problems);
    await world.api().kill();
    await ledger.append(entry({ at: now, text: "written in the dark" }));
    expect(lines).toHaveLength(1);
    expect(await ledger.query({})).toHaveLength(1);
    expect(await holds(() => problems.length > 0, DEADLINE_MS)).toBe(true);
    await world.api().restart();
    expect(await holds(async () => (await stored(namespace)).includes("written in the dark"), DEADLINE_MS)).toBe(true);
    expect(problems).toEqual([expect.stringContaining("cannot write the ledger's ring")]);
    await ledger.close();
  });
});
