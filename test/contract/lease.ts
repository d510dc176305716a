/** What every lease does, whatever keeps it. */
import { describe, expect, test } from "vitest";
import type { Lease } from "../../src/ports/lease.ts";

const signal = new AbortController().signal;

/** @param open a lease nobody has written yet, and another way to the same record. */
export function leaseContract(name: string, open: () => Promise<{ readonly lease: Lease; readonly other: Lease } & AsyncDisposable>): void {
  describe(`${name} as a lease`, () => {
    test("is nobody's at first", async () => {
      await using opened = await open();
      expect(await opened.lease.read(signal)).toBeNull();
    });

    test("is read as it was written, by everybody, under the version its writer got", async () => {
      await using opened = await open();
      const written = await opened.lease.write({ holder: "a", epoch: 1 }, null, signal);
      expect(written).toMatchObject({ holder: "a", epoch: 1 });
      expect(await opened.lease.read(signal)).toEqual(written);
      expect(await opened.other.read(signal)).toEqual(written);
    });

    test("is created once", async () => {
      await using opened = await open();
      const both = await Promise.all([opened.lease.write({ holder: "a", epoch: 1 }, null, signal), opened.other.write({ holder: "b", epoch: 1 }, null, signal)]);
      expect(both.filter((one) => one === "conflict")).toHaveLength(1);
    });

    test("is replaced only as it was read", async () => {
      await using opened = await open();
      const first = await opened.lease.write({ holder: "a", epoch: 1 }, null, signal);
      if (first === "conflict") return expect.fail("the first write found something");
      const second = await opened.lease.write({ holder: "a", epoch: 1 }, first.version, signal);
      if (second === "conflict") return expect.fail("the second write found something else");
      expect(second.version).not.toBe(first.version);
      expect(await opened.other.write({ holder: "b", epoch: 2 }, first.version, signal)).toBe("conflict");
      expect(await opened.other.write({ holder: "b", epoch: 2 }, null, signal)).toBe("conflict");
      expect(await opened.lease.read(signal)).toEqual(second);
    });

    test("is given back with an empty holder, its epoch kept", async () => {
      await using opened = await open();
      const held = await opened.lease.write({ holder: "a", epoch: 7 }, null, signal);
      if (held === "conflict") return expect.fail("somebody else wrote");
      await opened.lease.write({ holder: "", epoch: 7 }, held.version, signal);
      expect(await opened.other.read(signal)).toMatchObject({ holder: "", epoch: 7 });
    });
  });
}
