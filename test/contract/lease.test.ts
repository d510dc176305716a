import { createMemoryLease } from "../../src/adapters/memory-lease.ts";
import { leaseContract } from "./lease.ts";

leaseContract("memory", async () => {
  const lease = createMemoryLease();
  return { lease, other: lease, [Symbol.asyncDispose]: async () => {} };
});
