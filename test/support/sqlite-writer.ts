/** A program that writes without end and prints the number of each write once it is acknowledged. */
import { openSqlite } from "../../src/adapters/sqlite-store.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";

const [file = ""] = process.argv.slice(2);
const clock = createSystemClock();
const { state, ledger } = await openSqlite({
  file, clock, workerUrl: new URL("../../src/sqlite-worker.ts", import.meta.url), limits: { maxAgeMs: 86_400_000, maxBytes: 1e8 }, problem: (text) => process.stderr.write(`${text}\n`),
});
for (let n = 0; ; n++) {
  await state.put(`intent/${n}`, String(n), 0);
  await ledger.append({ at: clock.now(), kind: "note", target: "app", subject: "", text: String(n), who: "test", actionId: "", details: {}, foldKey: "" });
  process.stdout.write(`${n}\n`);
}
