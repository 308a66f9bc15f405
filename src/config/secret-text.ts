/** What a secret is by its looks: the words that cannot be one, and the names of keys that hold one. Pure. */
import { isSecretName } from "../platform/redact.ts";

const placeholders = new Set([
  "undefined",
  "null",
  "nan",
  "none",
  "[object object]",
  "changeme",
  "change-me",
  "your-token-here",
  "__openclaw_redacted__",
]);

/** True for text that is no credential: empty, blank, or the name of nothing, as scripts and templates leave behind. */
export function placeholderSecret(text: string): boolean {
  const word = text.trim().toLowerCase();
  return word === "" || placeholders.has(word);
}

/** Whether a key of this name holds a secret, as its name tells. */
export function isSecretKey(name: string): boolean {
  return isSecretName(name);
}

/** Stands in every view where a secret is. Written back by a client, it means: leave it as it was. */
export const redactedText = "__OPENCLAW_REDACTED__";
