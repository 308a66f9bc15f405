/** What the loader finds wrong, before it is known where in which file that stands; and how to say it. */
import type * as z from "zod";
import type { ErrorCode } from "../../domain/error-codes.ts";
import { getAt, type KeyPath } from "../dot-path.ts";
import { isSecretKey } from "../secret-text.ts";

export interface Finding {
  readonly path: KeyPath;
  readonly message: string;
  /**
   * `warning`: nothing is lost. `key`: the value is left out and its default holds. `broken`: the file as a whole is
   * not used, since leaving the value out could allow more than was meant. `refuse`: the gateway must not start.
   */
  readonly weight: "warning" | "key" | "broken" | "refuse";
  /** What is thrown where it is the first that is wrong; CFG_004 where absent. */
  readonly code?: ErrorCode;
}

type Issue = z.core.$ZodIssue;

/** `expected number, got text`. The value itself is named only where it cannot be a secret. */
export function describeIssue(issue: Issue, value: unknown, path: KeyPath): string {
  return `expected ${expectedOf(issue)}, got ${describeValue(value, mayHoldSecret(issue, path))}`;
}

/** Text where an object or another form of text belongs may be what that object holds, or a secret with a slip in it. */
function mayHoldSecret(issue: Issue, path: KeyPath): boolean {
  if (path.some((key) => isSecretKey(String(key)))) return true;
  if (issue.code === "invalid_type") return issue.expected === "object" || issue.expected === "record";
  return issue.code === "invalid_format";
}

function describeValue(value: unknown, isHidden: boolean): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") return isHidden ? "a number" : String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value !== "string") return "an object";
  if (value === "") return "empty text";
  const showable = value.length <= 32 && /^[\w .:/-]*$/.test(value) && !isHidden;
  return showable ? `"${value}"` : `text of ${value.length} characters`;
}

/** Whether an issue only says that something is not there; defaults may still bring it. */
export function isMissing(issue: Issue, root: unknown): boolean {
  return getAt(root, keysOf(issue)) === undefined;
}

export function keysOf(issue: Issue): KeyPath {
  return issue.path.map((key) => (typeof key === "symbol" ? String(key) : key));
}

function expectedOf(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return typeNames[issue.expected] ?? issue.expected;
    case "invalid_value":
      return `one of ${issue.values.map((value) => JSON.stringify(value)).join(", ")}`;
    case "too_small":
      return `${issue.inclusive === false ? "more than" : "at least"} ${String(issue.minimum)}${unitOf(issue.origin)}`;
    case "too_big":
      return `${issue.inclusive === false ? "less than" : "at most"} ${String(issue.maximum)}${unitOf(issue.origin)}`;
    case "not_multiple_of":
      return `a multiple of ${String(issue.divisor)}`;
    case "invalid_union":
      return "another form";
    default:
      // Our own rules say "expected …" themselves; a channel's say it their way.
      return issue.message.replace(/^expected /, "");
  }
}

const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  int: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

function unitOf(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " elements" : "";
}
