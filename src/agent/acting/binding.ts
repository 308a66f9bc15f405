/** What consent is bound to: one hash over everything that was shown. */
import { createHash } from "node:crypto";

/** SHA-256, hex, of the value as JSON. */
export function bindingOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}
