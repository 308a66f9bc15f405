/** Which elements of an old list are which of the new one: equal ones at both ends, and one by one what is between. Pure. */
import { deepEqual } from "../diff.ts";

export interface Alignment {
  /** Pairs of indices that belong together, ascending. */
  readonly pairs: readonly (readonly [before: number, after: number])[];
}

export function align(before: readonly unknown[], after: readonly unknown[]): Alignment {
  let head = 0;
  while (head < before.length && head < after.length && deepEqual(before[head], after[head])) head += 1;
  let tail = 0;
  const shorter = Math.min(before.length, after.length) - head;
  while (tail < shorter && deepEqual(before.at(-1 - tail), after.at(-1 - tail))) tail += 1;
  const middle = Math.min(before.length, after.length) - head - tail;
  const pairs: [number, number][] = [];
  for (let index = 0; index < head + middle; index += 1) pairs.push([index, index]);
  for (let index = tail; index > 0; index -= 1) pairs.push([before.length - index, after.length - index]);
  return { pairs };
}
