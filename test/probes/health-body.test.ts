import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readHealthBody } from "../../src/probes/health-body.ts";

describe("a health body", () => {
  test.each([
    [{ memory_usage: 71, cpu_usage: "12.5%" }, 71, 12.5],
    [{ memory_usage: "71 %", cpu_usage: "about half" }, 71, null],
    [{ memory_usage: null, cpu_usage: Number.NaN }, null, null],
    [{ checks: { "memory:utilization": [{ observedValue: 85, observedUnit: "percent" }] } }, 85, null],
    [{ checks: { "memory:utilization": [{ observedValue: 85, observedUnit: "MB" }] } }, null, null],
    [{ checks: { "cpu:utilization": { observedValue: "7" } } }, null, 7],
    [{ memory_usage: 10, checks: { "memory:utilization": [{ observedValue: 85 }] } }, 10, null],
    ["71%", null, null],
    [[71], null, null],
    [undefined, null, null],
  ])("%j reports memory %j and CPU %j", (body, memoryPercent, cpuPercent) => {
    expect(readHealthBody(body)).toMatchObject({ memoryPercent, cpuPercent });
  });

  test("of any shape is read without an error, and reports numbers or nothing", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (body) => {
        const { memoryPercent, cpuPercent } = readHealthBody(body);
        return [memoryPercent, cpuPercent].every((value) => value === null || Number.isFinite(value));
      }),
    );
  });
});
