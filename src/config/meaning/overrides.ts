/**
 * What wins over the file, weakest first: variables, then what the command line says. A value here is checked like one
 * of the file. Pure.
 */
import { getAt, parsePath, setAt } from "../dot-path.ts";
import type { Environment } from "../environment.ts";

/** Dot path → value. */
export type Overrides = Readonly<Record<string, unknown>>;

export function environmentOverrides(environment: Environment): Overrides {
  const entries: (readonly [string, unknown])[] = [
    ["gateway.port", environment.port],
    ["gateway.bind", environment.bind],
    ["gateway.auth.token", environment.token],
    ["gateway.auth.password", environment.password],
    ["queue.url", environment.redisUrl],
    ["logging.level", environment.logLevel],
    ["logging.consoleLevel", environment.logLevel],
  ];
  return Object.fromEntries(entries.filter(([, value]) => value !== null));
}

/** Returns the configuration and the sections that were touched. */
export function applyOverrides<T>(config: T, overrides: Overrides): { config: T; sections: readonly string[] } {
  let value: unknown = config;
  const sections = new Set<string>();
  for (const [text, given] of Object.entries(overrides)) {
    if (given === undefined) continue;
    const path = parsePath(text);
    if (getAt(value, path) === given) continue;
    value = setAt(value, path, given);
    sections.add(String(path[0]));
  }
  return { config: value as T, sections: [...sections] };
}
