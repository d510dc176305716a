/** Election on a real Lease: the loop, the adapter and the server together. */
import { describe, expect, test } from "vitest";
import { createKubernetesClient } from "../../src/adapters/kubernetes/client.ts";
import { createKubernetesLease } from "../../src/adapters/kubernetes-lease.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { createLead } from "../../src/engine/lead.ts";
import type { Lead } from "../../src/engine/lead.ts";
import { createApiWorld } from "./api-world.ts";
import { lacking } from "./needs.ts";
import { holds } from "./processes.ts";

const DEADLINE_MS = 30_000;
const TIMES = { duration: 3_000, renewWithin: 2_000, retry: 300 };

describe.skipIf(lacking("api").length > 0)("candidates for a Lease of the cluster", () => {
  const world = createApiWorld();

  /** Two replicas that stand for election, each with a connection of its own. */
  async function replicas() {
    const namespace = await world.namespace();
    const clock = createSystemClock();
    const stand = (me: string) => {
      const client = createKubernetesClient({ clock, access: { kind: "kubeconfig", file: world.api().kubeconfig }, namespace });
      const epochs: number[] = [];
      const lead = createLead({ lease: createKubernetesLease(client, "shopkeeper"), clock, me, times: TIMES, won: ({ epoch }) => epochs.push(epoch), lost: () => {}, troubled: () => {} });
      return { lead, client, epochs };
    };
    const all = [stand("a"), stand("b")] as const;
    for (const { lead } of all) lead.start();
    return {
      all,
      leading: (): readonly Lead[] => all.map(({ lead }) => lead).filter((lead) => lead.mayAct()),
      [Symbol.asyncDispose]: async () => {
        for (const { lead, client } of all) {
          await lead.stop();
          await client.close();
        }
      },
    };
  }

  test("elect one, and the other as soon as that one leaves", async () => {
    await using two = await replicas();
    expect(await holds(() => two.leading().length === 1, DEADLINE_MS)).toBe(true);
    const [first] = two.leading();
    await first?.stop();
    expect(await holds(() => two.leading().length === 1 && two.leading()[0] !== first, DEADLINE_MS)).toBe(true);
    expect(two.all.flatMap(({ epochs }) => epochs).toSorted()).toEqual([1, 2]);
  });

  test("lead no more while the server does not answer, and never both", async () => {
    await using two = await replicas();
    expect(await holds(() => two.leading().length === 1, DEADLINE_MS)).toBe(true);
    let both = false;
    const watchBoth = (): boolean => (both ||= two.leading().length > 1);
    world.api().freeze();
    try {
      expect(await holds(() => (watchBoth(), two.leading().length === 0), DEADLINE_MS)).toBe(true);
    } finally {
      world.api().thaw();
    }
    expect(await holds(() => (watchBoth(), two.leading().length === 1), DEADLINE_MS)).toBe(true);
    expect(both).toBe(false);
  });
});
