import { describe, expect, test } from "vitest";
import { startSpareThread } from "../../src/roles/spare-thread.ts";

describe("a thread started ahead of time", () => {
  test("is given out once, and is the taker's from then on", async () => {
    const spare = startSpareThread();
    const taken = spare.take();
    expect(taken).not.toBeNull();
    expect(spare.take()).toBeNull();
    await spare.close();
    expect(taken?.worker.threadId).toBeGreaterThan(0);
    await taken?.worker.terminate();
  });

  test("that nobody took is ended", async () => {
    const spare = startSpareThread();
    await spare.close();
    expect(spare.take()).toBeNull();
  });
});
