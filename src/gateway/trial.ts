/**
 * The trial request of a half-open breaker: a real page, asked for as nobody.
 *
 * An application that answers its health route may still render nothing but errors, so
 * only a whole rendered page without the marks of an error passes.
 */
import type { GatewayPreset } from "../core/preset.ts";
import type { Trial } from "../ports/breaker.ts";
import type { Http } from "../ports/http.ts";

/** Bytes of a page that are judged; a longer one passes by its status. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024;

/**
 * @param upstream base URL without a trailing slash
 * @returns a trial on a connection of its own: one kept from before the failure proves nothing
 */
export function createTrial(http: Http, upstream: string, preset: Pick<GatewayPreset, "page" | "agents">): Trial {
  const { path, mustContain, mustNotContain } = preset.page ?? { path: "/", mustContain: [], mustNotContain: [] };
  return async (signal, deadline) => {
    const answer = await http.request({
      method: "GET",
      url: `${upstream}${path}`,
      headers: { accept: "text/html", "user-agent": preset.agents.browser },
      deadlineMs: deadline,
      maxBodyBytes: MAX_PAGE_BYTES,
      connection: "new",
      signal,
    });
    if (answer.kind === "failed" || answer.status < 200 || answer.status >= 400) return false;
    if (answer.bodyCut) return true;
    return mustContain.every((text) => answer.body.includes(text)) && !mustNotContain.some((text) => answer.body.includes(text));
  };
}
