/** Which effective values differ between two configurations: paths alone, never values, so that the list can be shown. Pure. */
import { formatPath, isRecord, type KeyPath } from "./dot-path.ts";

/** Dot paths of what was added, removed or changed, in the order of the keys. A list that changed in length is one path. */
export function changedPaths(before: unknown, after: unknown): readonly string[] {
  const found: KeyPath[] = [];
  collect(before, after, [], found);
  return found.map(formatPath);
}

export function deepEqual(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((element, index) => deepEqual(element, right[index]));
  }
  if (!isRecord(left) || !isRecord(right)) return false;
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && deepEqual(left[key], right[key]))
  );
}

function collect(before: unknown, after: unknown, path: KeyPath, found: KeyPath[]): void {
  if (Object.is(before, after)) return;
  if (isRecord(before) && isRecord(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      collect(ownValue(before, key), ownValue(after, key), [...path, key], found);
    }
    return;
  }
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    for (const [index, element] of before.entries()) collect(element, after[index], [...path, index], found);
    return;
  }
  if (!deepEqual(before, after)) found.push(path);
}

function ownValue(value: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}
