/** What the proposal is about was not looked at, since another guard held it then; should that be over by now, the next step looks. */
import { found } from "./guard.ts";

export const unseen = found("unseen");
