/** The name of a conversation as a provider sees it that sorts its cache by names: the same each time, and nobody's. */
import { createHash } from "node:crypto";

/** A session's key has accounts and numbers of people in it; what leaves the house does not. */
export function cacheKeyOnWire(cacheKey: string): string {
  return createHash("sha256").update(cacheKey).digest("hex").slice(0, 32);
}
