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

/** A route that `isEnabled` denies is not there: neither it nor its methods can be told from nothing. */
export function createRouteTable(routes: readonly Route[], isEnabled: (route: Route) => boolean): RouteTable {
  const exact = new Map<string, Map<string, Route>>();
  const prefixes = new Map<string, Map<string, Route>>();
  for (const route of routes) {
    const isPrefix = route.path.endsWith(`/${placeholder}`);
    const table = isPrefix ? prefixes : exact;
    const key = isPrefix ? stem(route.path) : route.path;
    const byMethod = table.get(key) ?? new Map<string, Route>();
    // The first declaration wins: what is added later can never shadow it.
    if (!byMethod.has(route.method)) byMethod.set(route.method, route);
    table.set(key, byMethod);
  }
  return {
    match: (method, target) => {
      const path = pathOf(target);
      if (path === null) return { kind: "none", guarded: true };
      const candidate = exact.has(path) ? { path, param: null } : prefixed(prefixes, path);
      const byMethod =
        candidate === null ? undefined : (exact.get(candidate.path) ?? prefixes.get(stem(candidate.path)));
      const enabled = [...(byMethod?.values() ?? [])].filter(isEnabled);
      if (candidate === null || enabled.length === 0) return { kind: "none", guarded: isGuarded(path) };
      return pick(enabled, method, candidate);
    },
  };
}

const longestTargetChars = 8_192;
const longestParamChars = 512;

/** The path of an origin-form target; null for anything that is none (`*`, an absolute URL, an overlong one). */
export function pathOf(target: string): string | null {
  if (!target.startsWith("/") || target.length > longestTargetChars) return null;
  const end = target.search(/[?#]/);
  return end === -1 ? target : target.slice(0, end);
}

type Found = { readonly path: string; readonly param: string | null };

function pick(routes: readonly Route[], method: string, found: Found): RouteMatch {
  const route = routes.find((candidate) => candidate.method === (method === "HEAD" ? "GET" : method));
  if (route !== undefined) return { kind: "route", route, ...found };
  const allowed = routes.flatMap(({ method: name }) => (name === "GET" ? ["GET", "HEAD"] : [name]));
  return { kind: "method", guarded: routes.some((candidate) => candidate.scope !== null), allowed };
}

const placeholder = "{id}";

function stem(path: string): string {
  return path.slice(0, -placeholder.length);
}

function prefixed(prefixes: ReadonlyMap<string, unknown>, path: string): Found | null {
  for (const prefix of prefixes.keys()) {
    if (!path.startsWith(prefix)) continue;
    const param = decodeParam(path.slice(prefix.length));
    if (param !== null) return { path: `${prefix}${placeholder}`, param };
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
