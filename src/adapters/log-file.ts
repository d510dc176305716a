/** The log of a supervised child: appended by the child itself, rotated by us. */
import * as fs from "node:fs";
import { copyFile, stat, truncate } from "node:fs/promises";
import * as path from "node:path";

export const MAX_LOG_BYTES = 10 * 1024 * 1024;

/** Opens for appending, folder and all; the caller closes. Append mode is what makes rotation by truncating safe. */
export function openLog(file: string): number {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  return fs.openSync(file, "a", 0o640);
}

/**
 * Copies a log that has grown too large to FILE.1 and empties it; the child keeps its open file.
 * Lines written between the two steps are lost, as with logrotate's copytruncate.
 */
export async function rotateLog(file: string, maxBytes = MAX_LOG_BYTES): Promise<"rotated" | "kept"> {
  const size = await stat(file).then((found) => found.size, () => 0);
  if (size <= maxBytes) return "kept";
  await copyFile(file, `${file}.1`);
  await truncate(file, 0);
  return "rotated";
}
