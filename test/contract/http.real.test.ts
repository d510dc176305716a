import { createLeanHttp } from "../../src/adapters/lean-http.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { httpFramingContract } from "./http-framing.ts";
import { httpContract } from "./http.ts";

httpContract("lean", (ca) => createLeanHttp({ clock: createSystemClock(), ...(ca === undefined ? {} : { ca }) }));
httpFramingContract("lean", () => createLeanHttp({ clock: createSystemClock() }));
