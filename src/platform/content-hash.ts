/** One fingerprint for everything that is compared by its content: a request that is repeated, what consent is bound to. */
import { createHash } from "node:crypto";

/** SHA-256, hex, of JSON-safe content as canonical JSON: in whatever order its fields were written, it is the same. */
export function contentHash(content: unknown): string {
  return createHash("sha256").update(JSON.stringify(content, sortedKeys)).digest("hex");
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1)));
}
