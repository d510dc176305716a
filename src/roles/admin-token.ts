/**
 * The token of the person who runs the daemon on their own machine: made at start where
 * no tokens are configured, kept in a file that only its owner can read.
 */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

const BYTES = 24;

/** Where it stands, beside the configuration. */
export function adminTokenFile(folder: string): string {
  return join(folder, ".shopkeeper", "admin-token");
}

/** The token of that file; made when there is none. */
export async function adminToken(folder: string): Promise<string> {
  const known = await readAdminToken(folder);
  if (known !== null) return known;
  const file = adminTokenFile(folder);
  const token = randomBytes(BYTES).toString("base64url");
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, `${token}\n`, { mode: 0o600, flag: "wx" });
  return token;
}

/** null when there is no such file. @throws {Error} when it is empty, since an empty token would let anybody in. */
export async function readAdminToken(folder: string): Promise<string | null> {
  const file = adminTokenFile(folder);
  try {
    const token = (await readFile(file, "utf8")).trim();
    if (token === "") throw new Error(`${file} is empty: delete it, and "shopkeeper run" makes another`);
    return token;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}
