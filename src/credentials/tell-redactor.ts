/**
 * What the log's redactor is told of a secret: the secret, and where it is a record (a login of several tokens, say)
 * each of its parts that could open something. Short and plain parts would blank ordinary words. Never throws.
 */
import { isSecretName, type Redactor } from "../platform/redact.ts";

export function tellRedactor(redactor: Pick<Redactor, "add">, value: string): void {
  redactor.add(value);
  // As it is sent: most files and prompts add a line break that a header does not have.
  if (value.trim() !== value) redactor.add(value.trim());
  for (const part of partsOf(value)) redactor.add(part);
}

/** Long enough, and without a gap, as tokens are. */
const tokenText = /^\S{16,}$/;
const deepest = 8;

function partsOf(value: string): readonly string[] {
  if (!value.trimStart().startsWith("{") && !value.trimStart().startsWith("[")) return [];
  try {
    return leavesOf("", JSON.parse(value), 0);
  } catch {
    // It only looks like a record; as a whole it is known.
    return [];
  }
}

function leavesOf(name: string, value: unknown, depth: number): readonly string[] {
  if (typeof value === "string") return isSecretName(name) || tokenText.test(value) ? [value] : [];
  if (typeof value !== "object" || value === null || depth >= deepest) return [];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(key, inner, depth + 1));
}
