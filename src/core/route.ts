/**
 * Which route a path belongs to.
 */
import type { RouteSpec } from "./preset.ts";

/** True when the path matches. */
export type PathTest = (path: string) => boolean;

/**
 * Compiles a glob on paths: `*` is any text within one segment, `**` any text at all,
 * and a trailing slash-`**` also matches the folder itself. Everything else is literal.
 */
export function compileGlob(glob: string, caseSensitive = true): PathTest {
  const folder = glob.endsWith("/**") ? glob.slice(0, -3) : null;
  const source = folder === null ? pattern(glob) : `${pattern(folder)}(?:/.*)?`;
  const compiled = new RegExp(`^${source}$`, caseSensitive ? "s" : "si");
  return (path) => compiled.test(path);
}

function pattern(glob: string): string {
  return glob
    .split(/(\*\*|\*)/)
    .map((part) => {
      if (part === "**") return ".*";
      if (part === "*") return "[^/]*";
      return part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`);
    })
    .join("");
}

/**
 * Finds a path's route: one on the never-list counts as `never` whatever its route says.
 *
 * The never-list is matched without regard to case, as routers do (React Router finds
 * `/CART` too); page routes are matched exactly, so that a page has one spelling.
 */
export type FindRoute = (path: string) => RouteSpec;

/**
 * Compiles routes and the never-list once; the first match wins.
 *
 * @param fallback what a path without a route is: usually `pass`.
 */
export function compileRoutes(routes: readonly RouteSpec[], never: readonly string[], fallback: RouteSpec): FindRoute {
  const refused = never.map((glob) => compileGlob(glob, false));
  const tests = routes.map((route) => ({ route, test: compileGlob(route.match, route.mode !== "never") }));
  return (path) => {
    const route = tests.find(({ test }) => test(path))?.route ?? fallback;
    if (route.mode === "never" || !refused.some((test) => test(path))) return route;
    return { ...route, name: "never", mode: "never" };
  };
}
