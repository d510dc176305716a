/** A state store of a leader, whose being overtaken is told to whoever leads: its own user only knows that a write failed. */
import { SupersededError, type StateStore } from "../ports/state-store.ts";

/** @param tell called once, before the write that was refused rejects. */
export function noticeSuperseded(store: StateStore, tell: (error: SupersededError) => void): StateStore {
  let told = false;
  const noticed = async <T>(write: Promise<T>): Promise<T> => {
    try {
      return await write;
    } catch (error) {
      if (error instanceof SupersededError && !told) {
        told = true;
        tell(error);
      }
      throw error;
    }
  };
  return {
    get: (key) => store.get(key),
    list: (prefix, limit) => store.list(prefix, limit),
    put: (key, value, ifRevision) => noticed(store.put(key, value, ifRevision)),
    delete: (key) => noticed(store.delete(key)),
    close: () => store.close(),
  };
}
