/**
 * Finds the route of a request. Paths are compared byte by byte and are never normalised: a path in another spelling
 * (`%2e`, `//`, `;`, `\`, another case) is another path, and all it can reach is a 404 behind the guard.
 */
import type { Route } from "./contract.ts";

export type RouteMatch =
  | { readonly kind: "route"; readonly route: Route; readonly path: string; readonly param: string | null }
  | { readonly kind: "method"; readonly guarded: boolean; readonly allowed: readonly string[] }
  /** `guarded`: the caller must show a credential before learning that there is nothing. */
  | { readonly kind: "none"; readonly guarded: boolean };

export interface RouteTable {
  match(method: string, target: string): RouteMatch;
}

export function createRouteTable(routes: readonly Route[]): RouteTable {
  const exact = new Map<string, Map<string, Route>>();
  const prefixes = new Map<string, Map<string, Route>>();
  for (const route of routes) {
    const isPrefix = route.path.endsWith("/{id}");
    const table = isPrefix ? prefixes : exact;
    const key = isPrefix ? route.path.slice(0, -"{id}".length) : route.path;
    const byMethod = table.get(key) ?? new Map<string, Route>();
    // The first declaration wins: what is added later can never shadow it.
    if (!byMethod.has(route.method)) byMethod.set(route.method, route);
    table.set(key, byMethod);
  }
  return {
    match: (method, target) => {
      const path = pathOf(target);
      if (path === null) return { kind: "none", guarded: true };
      const known = exact.get(path);
      if (known !== undefined) return pick(known, method, { path, param: null });
      return matchPrefix(prefixes, method, path) ?? { kind: "none", guarded: isGuarded(path) };
    },
  };
}

const longestTargetChars = 8_192;
const longestParamChars = 512;

/** The path of an origin-form target; null for anything that is none (`*`, an absolute URL, an overlong one). */
function pathOf(target: string): string | null {
  if (!target.startsWith("/") || target.length > longestTargetChars) return null;
  const end = target.search(/[?#]/);
  return end === -1 ? target : target.slice(0, end);
}

type Found = { readonly path: string; readonly param: string | null };

function pick(byMethod: ReadonlyMap<string, Route>, method: string, found: Found): RouteMatch {
  const route = byMethod.get(method === "HEAD" ? "GET" : method);
  if (route !== undefined) return { kind: "route", route, ...found };
  const allowed = [...byMethod.keys()].flatMap((name) => (name === "GET" ? ["GET", "HEAD"] : [name]));
  const guarded = [...byMethod.values()].some((candidate) => candidate.scope !== null);
  return { kind: "method", guarded, allowed };
}

function matchPrefix(
  prefixes: ReadonlyMap<string, ReadonlyMap<string, Route>>,
  method: string,
  path: string,
): RouteMatch | null {
  for (const [prefix, byMethod] of prefixes) {
    if (!path.startsWith(prefix)) continue;
    const param = decodeParam(path.slice(prefix.length));
    if (param !== null) return pick(byMethod, method, { path: `${prefix}{id}`, param });
  }
  return null;
}

/** One segment, percent-decoded once: a client library writes the `/` of an id as `%2F`. */
function decodeParam(segment: string): string | null {
  if (segment === "" || segment.includes("/") || segment.length > longestParamChars) return null;
  let param: string;
  try {
    param = decodeURIComponent(segment);
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
  return /[\p{Cc}\\]/u.test(param) || param === "." || param === ".." ? null : param;
}

/** The namespaces in which something may live that needs a credential, in any spelling. */
const guardedNamespace = /^\/+(v1|api|tools|hooks|media|metrics|__openclaw__)(?![a-z0-9])/;

/** Plain unknown paths may be told that there is nothing; odd spellings and guarded namespaces only with a credential. */
function isGuarded(path: string): boolean {
  const isPlain = /^(\/[A-Za-z0-9_~.-]+)+\/?$|^\/$/.test(path) && !/\/\.{1,2}(\/|$)/.test(path);
  return !isPlain || guardedNamespace.test(path.toLowerCase());
}
