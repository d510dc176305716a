/**
 * Buffers that hold a copy's body, used again once the system has taken their bytes.
 *
 * Copying a page out of shared memory, and giving the copy up after one answer, is what the hottest path would
 * spend most on. A buffer that comes back still holds its page: only the nonces have to be written anew.
 */
export interface BodyPool<K extends object> {
  /** A buffer holding this page, of exactly its size; null: none is free. */
  take(page: K): Buffer | null;
  /** Gives one back, still holding the page but for its nonces. Nobody may use it afterwards. */
  give(page: K, buffer: Buffer): void;
}

/** Buffers kept of one page: answers of one page that are being written at once. */
const MOST_OF_ONE = 8;

/** @param maxBytes most bytes kept for later use; beyond, the pages that came first are let go. */
export function createBodyPool<K extends object>(maxBytes: number): BodyPool<K> {
  const rows = new Map<K, Buffer[]>();
  let kept = 0;

  const letGo = (): void => {
    for (const [page, row] of rows) {
      if (kept <= maxBytes) return;
      rows.delete(page);
      for (const buffer of row) kept -= buffer.length;
    }
  };

  return {
    take(page) {
      const buffer = rows.get(page)?.pop();
      if (buffer === undefined) return null;
      kept -= buffer.length;
      return buffer;
    },
    give(page, buffer) {
      const row = rows.get(page);
      if (row === undefined) rows.set(page, [buffer]);
      else if (row.length < MOST_OF_ONE) row.push(buffer);
      else return;
      kept += buffer.length;
      if (kept > maxBytes) letGo();
    },
  };
}
