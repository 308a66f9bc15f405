/**
 * Dot paths into the configuration: `agents.list[0].id`, `channels.irc.accounts["my.net"].nick`.
 * Reads and changes copies; the value handed in is never touched. Refuses keys that reach into prototypes.
 */
import { AppError } from "../domain/app-error.ts";

export type PathKey = string | number;
export type KeyPath = readonly PathKey[];

/** Throws SYS_003 where the text is no path. A number in brackets is an index; `a.0` is one too where a list stands there. */
export function parsePath(text: string): KeyPath {
  const keys: PathKey[] = [];
  let rest = text;
  while (rest !== "") {
    const found = nextKey(rest, keys.length === 0);
    if (found === null)
      throw new AppError("SYS_003", `"${text}" is not a path such as agents.list[0].id or channels["my.net"].`);
    keys.push(safeKey(found.key, text));
    rest = rest.slice(found.length);
  }
  if (keys.length === 0) throw new AppError("SYS_003", "The path is empty.");
  return keys;
}

/** The inverse of `parsePath`: keys with other characters than letters, digits, `_`, `-` and `*` are quoted. */
export function formatPath(keys: KeyPath): string {
  return keys
    .map((key, index) => {
      if (typeof key === "number") return `[${key}]`;
      if (!/^[\p{L}_$*-][\p{L}\p{N}_$*-]*$/u.test(key)) return `[${JSON.stringify(key)}]`;
      return index === 0 ? key : `.${key}`;
    })
    .join("");
}

export function getAt(value: unknown, keys: KeyPath): unknown {
  let found = value;
  for (const key of keys) found = childOf(found, key);
  return found;
}

/** A copy with the value at the path; objects on the way are made, lists only where the next key is a number. */
export function setAt(target: unknown, keys: KeyPath, value: unknown): unknown {
  const [key, ...rest] = keys;
  if (key === undefined) return value;
  if (Array.isArray(target)) {
    const index = indexOf(key, target.length);
    const copy: unknown[] = [...target];
    copy[index] = setAt(target[index], rest, value);
    return copy;
  }
  if (target === undefined || target === null) {
    if (typeof key !== "number") return { [key]: setAt(undefined, rest, value) };
    return [setAt(undefined, rest, value)].slice(0, indexOf(key, 0) + 1);
  }
  if (!isRecord(target)) {
    throw new AppError(
      "CFG_004",
      `${formatPath([key])} cannot be set: a plain value stands where an object is needed.`,
    );
  }
  return { ...target, [key]: setAt(Object.hasOwn(target, key) ? target[key] : undefined, rest, value) };
}

/** A copy without what stands at the path; the same value where nothing does. List elements behind it move up. */
export function unsetAt(target: unknown, keys: KeyPath): unknown {
  const [key, ...rest] = keys;
  if (key === undefined) return undefined;
  if (Array.isArray(target)) {
    const index = toIndex(key);
    if (index === null || index >= target.length) return target;
    if (rest.length === 0) return target.toSpliced(index, 1);
    return target.with(index, unsetAt(target[index], rest));
  }
  if (!isRecord(target) || !Object.hasOwn(target, key)) return target;
  if (rest.length > 0) return { ...target, [key]: unsetAt(target[key], rest) };
  const { [String(key)]: _removed, ...kept } = target;
  return kept;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** True for a key that must not be followed: assigning through it would change what every object inherits. */
export function reachesPrototype(key: string): boolean {
  return key === "__proto__" || key === "constructor" || key === "prototype";
}

function nextKey(rest: string, first: boolean): { key: PathKey; length: number } | null {
  const index = /^\[(\d{1,9})\]/.exec(rest);
  if (index?.[1] !== undefined) return { key: Number(index[1]), length: index[0].length };
  const quoted = /^\[("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\]/.exec(rest);
  if (quoted?.[1] !== undefined) return { key: unquote(quoted[1]), length: quoted[0].length };
  const plain = (first ? /^([^.[\]"'\s]+)/ : /^\.([^.[\]"'\s]+)/).exec(rest);
  return plain?.[1] === undefined ? null : { key: plain[1], length: plain[0].length };
}

function unquote(text: string): string {
  const body = text.slice(1, -1);
  const json = text.startsWith("'") ? body.replaceAll("\\'", "'").replaceAll(/(?<!\\)"/g, '\\"') : body;
  try {
    return JSON.parse(`"${json}"`) as string;
  } catch (error) {
    throw new AppError("SYS_003", `${text} is not a quoted key.`, { cause: error });
  }
}

function safeKey(key: PathKey, text: string): PathKey {
  if (typeof key === "string" && reachesPrototype(key))
    throw new AppError("SYS_003", `"${text}" names a key that cannot be set.`);
  return key;
}

function childOf(value: unknown, key: PathKey): unknown {
  if (Array.isArray(value)) {
    const index = toIndex(key);
    return index === null ? undefined : (value[index] as unknown);
  }
  return isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function toIndex(key: PathKey): number | null {
  if (typeof key === "number") return key;
  return /^\d{1,9}$/.test(key) ? Number(key) : null;
}

/** One behind the end appends; further would leave a hole. */
function indexOf(key: PathKey, length: number): number {
  const index = toIndex(key);
  if (index !== null && index <= length) return index;
  throw new AppError("CFG_004", `[${key}] is not an index of the list, which has ${length} elements.`);
}
