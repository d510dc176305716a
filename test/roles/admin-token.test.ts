import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { adminToken, adminTokenFile, readAdminToken } from "../../src/roles/admin-token.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "shopkeeper-token-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("the token of the person on this machine", () => {
  test("is made once, in a file that only its owner reads, and stays", async () => {
    expect(await readAdminToken(folder)).toBeNull();
    const token = await adminToken(folder);
    expect(token).toMatch(/^[\w-]{32}$/);
    expect((await stat(adminTokenFile(folder))).mode & 0o777).toBe(0o600);
    expect(await adminToken(folder)).toBe(token);
    expect(await readAdminToken(folder)).toBe(token);
  });

  test("is another one elsewhere", async () => {
    const other = await mkdtemp(join(tmpdir(), "shopkeeper-token-"));
    try {
      expect(await adminToken(folder)).not.toBe(await adminToken(other));
    } finally {
      await rm(other, { recursive: true, force: true });
    }
  });

  test("an empty file lets nobody in: it is an error that says what to do", async () => {
    await adminToken(folder);
    await writeFile(adminTokenFile(folder), "\n");
    await expect(adminToken(folder)).rejects.toThrow(/is empty: delete it/);
  });
});
