/** The version that wrote a file last. A newer version's file is read, never written: it may hold what we would lose. Pure. */

/** Compares number by number; a pre-release is older than its release. What is no version is never newer. */
export function newerThan(one: string, other: string): boolean {
  const left = parse(one);
  const right = parse(other);
  if (left === null || right === null) return false;
  for (let index = 0; index < Math.max(left.numbers.length, right.numbers.length); index += 1) {
    const difference = (left.numbers[index] ?? 0) - (right.numbers[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  if ((left.suffix === "") !== (right.suffix === "")) return left.suffix === "";
  return left.suffix > right.suffix;
}

function parse(version: string): { numbers: readonly number[]; suffix: string } | null {
  const match = /^v?(\d{1,9}(?:\.\d{1,9}){0,4})(?:-([\w.]{1,64}))?$/.exec(version.trim());
  if (match?.[1] === undefined) return null;
  return { numbers: match[1].split(".").map(Number), suffix: match[2] ?? "" };
}
