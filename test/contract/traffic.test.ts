import { MemoryProvider, type MemoryFault, type MemoryPoint } from "../../src/simulation/memory-traffic.ts";
import { FIRST_MARK, OTHER_SITE, SITE, trafficContract, type SceneFault, type TrafficScene } from "./traffic.ts";

const VALUES = { primary: "203.0.113.1", secondary: "203.0.113.2" };
const NAME = "shop.example.com A";

const faultOf = (fault: SceneFault): MemoryFault => {
  if (fault === "lie") return { kind: "lie" };
  if (fault === "unheard, landed" || fault === "unheard, not landed") return { kind: "unheard", landed: fault === "unheard, landed" };
  return { kind: "refused", code: fault, retryAfterMs: fault === "RATE_LIMITED" ? 300_000 : 0 };
};

async function open(fences: boolean): Promise<TrafficScene> {
  const held: { readonly point: MemoryPoint; readonly arrive: () => void; readonly opened: Promise<void> }[] = [];
  const pause = async (point: MemoryPoint): Promise<void> => {
    const at = held.findIndex((one) => one.point === point);
    const [gate] = at < 0 ? [] : held.splice(at, 1);
    gate?.arrive();
    await gate?.opened;
  };
  const provider = new MemoryProvider({ fences, pause, entries: [{ name: NAME, values: VALUES, value: VALUES.primary, comment: FIRST_MARK, staleForMs: 60_000 }] });
  return {
    traffic: provider.traffic(SITE), other: provider.traffic(SITE), stranger: provider.traffic(OTHER_SITE), token: null,
    scribble: async (words) => provider.edit(NAME, { comment: words }),
    leadAstray: async () => provider.edit(NAME, { value: "198.51.100.9" }),
    fail: (on, fault) => provider.fail(on, faultOf(fault)),
    hold: (point) => {
      const reached = Promise.withResolvers<void>();
      const opened = Promise.withResolvers<void>();
      held.push({ point, arrive: reached.resolve, opened: opened.promise });
      return { reached: reached.promise, open: opened.resolve };
    },
    seen: async () => Object.entries(VALUES).find(([, value]) => value === provider.value(NAME))?.[0] ?? null,
    [Symbol.asyncDispose]: async () => {},
  };
}

trafficContract("memory that takes every write", () => open(false));
trafficContract("memory that fences late writes", () => open(true));
