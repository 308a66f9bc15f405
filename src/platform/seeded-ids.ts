/** Ids that a test can predict: the same seed gives the same sequence. Never for anything that must not be guessed. */
import { formatUuidV7, unitInterval, type Ids } from "./ids.ts";

export function seededIds(seed: number = 1): Ids {
  let state = seed >>> 0;
  let count = 0;
  const bytes = (size: number): Buffer => Buffer.from(Array.from({ length: size }, () => nextWord() >>> 24));

  /** mulberry32: small, fast, good enough for tests. */
  function nextWord(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return (word ^ (word >>> 14)) >>> 0;
  }

  return {
    uuid() {
      count += 1;
      // A counter stands in for the time, so that these sort in the order they were made.
      return formatUuidV7(Date.UTC(2026, 0, 1) + count, 0, bytes(8));
    },
    hex: (size) => bytes(size).toString("hex"),
    token: (size) => bytes(size).toString("base64url"),
    random: () => unitInterval(bytes(8)),
  };
}
