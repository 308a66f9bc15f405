/** Files and folders made absolute: `~` is the home directory, anything relative starts at the configuration's folder. Pure. */
import { absolute } from "../environment.ts";
import { isRecord } from "../dot-path.ts";

/**
 * Every setting that is a path, `*` for list elements and free keys. Written down so that a start need not search the
 * schemas; a test compares it with the marks there.
 */
export const pathSettings: readonly (readonly string[])[] = [
  ["gateway", "tls", "certPath"],
  ["gateway", "tls", "keyPath"],
  ["agents", "defaults", "workspace"],
  ["agents", "list", "*", "workspace"],
  ["hooks", "transformsDir"],
  ["plugins", "load", "paths", "*"],
  ["skills", "load", "extraDirs", "*"],
  ["browser", "executablePath"],
  ["mcp", "servers", "*", "cwd"],
  ["logging", "file"],
];

export function normalizePaths<T>(config: T, base: { homeDir: string; configDir: string }): T {
  const toAbsolute = (file: string): string => absolute(file, base.homeDir, base.configDir);
  return pathSettings.reduce<unknown>((value, keys) => changeAt(value, keys, toAbsolute), config) as T;
}

function changeAt(value: unknown, keys: readonly string[], change: (text: string) => string): unknown {
  const [key, ...rest] = keys;
  if (key === undefined) return typeof value === "string" ? change(value) : value;
  if (Array.isArray(value)) return key === "*" ? value.map((element) => changeAt(element, rest, change)) : value;
  if (!isRecord(value)) return value;
  const names = key === "*" ? Object.keys(value) : Object.hasOwn(value, key) ? [key] : [];
  if (names.length === 0) return value;
  const copy = { ...value };
  for (const name of names) copy[name] = changeAt(value[name], rest, change);
  return copy;
}
