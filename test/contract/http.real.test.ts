import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { createUndiciHttp } from "../../src/adapters/undici-http.ts";
import { httpContract } from "./http.ts";

httpContract("undici", (ca) => createUndiciHttp({ clock: createSystemClock(), ...(ca === undefined ? {} : { ca }) }));
