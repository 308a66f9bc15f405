/** The value that migrations change, with a record of what moved where: messages later name the place in the file. */
import { formatPath, getAt, isRecord, parsePath, reachesPrototype, setAt, unsetAt, type KeyPath } from "../dot-path.ts";

export interface Move {
  readonly from: KeyPath;
  /** Null where the value is of no use any more. */
  readonly to: KeyPath | null;
}

export class MigrationDocument {
  value: unknown;
  readonly moves: Move[] = [];

  constructor(value: unknown) {
    this.value = value;
  }

  get(path: string | KeyPath): unknown {
    return getAt(this.value, keysOf(path));
  }

  has(path: string | KeyPath): boolean {
    return this.get(path) !== undefined;
  }

  /** Replaces the value and says nothing about it; for parts of a value that `move` reports. */
  put(path: string | KeyPath, value: unknown): void {
    const keys = keysOf(path);
    if (this.canHold(keys)) this.value = setAt(this.value, keys, value);
  }

  /** Takes the value away. */
  drop(path: string | KeyPath): void {
    const from = keysOf(path);
    if (getAt(this.value, from) === undefined) return;
    this.value = unsetAt(this.value, from);
    this.moves.push({ from, to: null });
  }

  /**
   * Puts what stands at `from` to `to`, made into another value where a function is given. Where something is there
   * already, it wins: the newer name is what the person looks at. Nothing happens where `from` is not set.
   */
  move(
    fromPath: string | KeyPath,
    toPath: string | KeyPath,
    change: (value: unknown) => unknown = (value) => value,
  ): void {
    const from = keysOf(fromPath);
    const to = keysOf(toPath);
    const old = getAt(this.value, from);
    if (old === undefined) return;
    const value = change(old);
    this.value = unsetAt(this.value, from);
    if (value !== undefined && this.canHold(to))
      this.value = setAt(this.value, to, merged(value, getAt(this.value, to)));
    this.moves.push({ from, to: value === undefined ? null : to });
  }

  /** Changes a value in its place. */
  change(path: string | KeyPath, change: (value: unknown) => unknown): void {
    const keys = keysOf(path);
    const old = getAt(this.value, keys);
    if (old === undefined) return;
    const value = change(old);
    if (value === old) return;
    this.value = setAt(this.value, keys, value);
    this.moves.push({ from: keys, to: keys });
  }

  /** The keys of an object; none for anything else. */
  keys(path: string | KeyPath): readonly string[] {
    const value = this.get(path);
    return isRecord(value) ? Object.keys(value).filter((key) => !reachesPrototype(key)) : [];
  }

  /** The indices of a list; none for anything else. */
  indices(path: string | KeyPath): readonly number[] {
    const value = this.get(path);
    return Array.isArray(value) ? [...value.keys()] : [];
  }

  /** Removes objects that moves left empty. */
  dropEmpty(path: string | KeyPath): void {
    const keys = keysOf(path);
    const value = getAt(this.value, keys);
    if (isRecord(value) && Object.keys(value).length === 0) this.value = unsetAt(this.value, keys);
  }

  /** A plain value or a list on the way stays as it is: validation will name it. */
  private canHold(to: KeyPath): boolean {
    return to.slice(0, -1).every((_, index) => {
      const above = getAt(this.value, to.slice(0, index + 1));
      return above === undefined || isRecord(above) || (Array.isArray(above) && typeof to[index + 1] === "number");
    });
  }
}

export function describeMove(move: Move): string {
  const from = formatPath(move.from);
  if (move.to === null) return `${from} is no longer used`;
  const to = formatPath(move.to);
  return from === to ? `${from} has an older form` : `${from} is now ${to}`;
}

function merged(older: unknown, newer: unknown): unknown {
  if (newer === undefined) return older;
  if (!isRecord(older) || !isRecord(newer)) return newer;
  const result: Record<string, unknown> = { ...older };
  for (const [key, value] of Object.entries(newer))
    result[key] = merged(Object.hasOwn(older, key) ? older[key] : undefined, value);
  return result;
}

function keysOf(path: string | KeyPath): KeyPath {
  return typeof path === "string" ? parsePath(path) : path;
}
