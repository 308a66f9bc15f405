/** Finds things by their place in a text, in lists that are in order and without overlaps. */

export interface Range {
  readonly start: number;
  readonly end: number;
}

/** The one that begins before this place and ends behind it; null where there is none. */
export function enclosing<Place extends Range>(ranges: readonly Place[], index: number): Place | null {
  const range = ranges[firstWith(ranges.length, (at) => (ranges[at]?.start ?? Infinity) >= index) - 1];
  return range !== undefined && range.end > index ? range : null;
}

/** The one that holds the character at this place; null where there is none. */
export function holding<Place extends Range>(ranges: readonly Place[], index: number): Place | null {
  const range = ranges[firstWith(ranges.length, (at) => (ranges[at]?.start ?? Infinity) > index) - 1];
  return range !== undefined && range.end > index ? range : null;
}

/** Which of the places is the first one behind this one; their number where there is none. */
export function firstBehind(places: readonly number[], index: number): number {
  return firstWith(places.length, (at) => (places[at] ?? Infinity) > index);
}

/** The last place at or before this one; null where there is none. */
export function lastUpTo(places: readonly number[], index: number): number | null {
  return places[firstBehind(places, index) - 1] ?? null;
}

/** The first number below `count` for which it holds, of which it holds for all behind it too; `count` where for none. */
function firstWith(count: number, holds: (at: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
