/**
 * Patterns for names: `*`, `?`, `[a-z]`, `[!a]`, `{a,b}`, and `**` for any folders. Matched without backtracking over the
 * whole, so that no pattern takes long, whatever the names are.
 */
import { AppError } from "../../domain/app-error.ts";

/** Whether a path, `/` between its parts, is meant. A pattern without `/` is one for the last part, wherever it is. */
export type Glob = (path: string) => boolean;

/** Throws RUN_003 where the pattern cannot be read or means too much at once. */
export function globOf(pattern: string): Glob {
  const globs = alternatives(pattern).map((one) => {
    const parts = one.replace(/^\.?\//, "").split("/");
    return (parts.length === 1 ? ["**", ...parts] : parts).map(partOf);
  });
  return (path) => {
    const names = path.split("/");
    return globs.some((parts) => matchesParts(parts, names));
  };
}

type Part = "any folders" | readonly Token[];
type Token = "one" | "many" | ((char: string) => boolean);

const mostAlternatives = 64;

/** The patterns that braces stand for. */
function alternatives(pattern: string): readonly string[] {
  let open = [pattern];
  const whole: string[] = [];
  while (open.length > 0) {
    const next: string[] = [];
    for (const one of open) {
      const inner = /\{([^{}]*)\}/.exec(one);
      if (inner === null) whole.push(one);
      else for (const choice of (inner[1] ?? "").split(",")) next.push(one.replace(inner[0], () => choice));
      if (whole.length + next.length > mostAlternatives) {
        throw new AppError("RUN_003", `The pattern stands for more than ${mostAlternatives} others; use fewer braces.`);
      }
    }
    open = next;
  }
  return whole;
}

function partOf(part: string): Part {
  if (part === "**") return "any folders";
  const tokens: Token[] = [];
  const chars = [...part];
  for (let at = 0; at < chars.length; at += 1) {
    const char = chars[at] ?? "";
    if (char === "*") {
      if (tokens.at(-1) !== "many") tokens.push("many");
    } else if (char === "?") tokens.push("one");
    else if (char === "[") {
      const end = chars.indexOf("]", at + 2);
      if (end === -1) throw new AppError("RUN_003", 'The pattern has a "[" without a "]".');
      tokens.push(classOf(chars.slice(at + 1, end)));
      at = end;
    } else tokens.push((other) => other === char);
  }
  return tokens;
}

function classOf(chars: readonly string[]): (char: string) => boolean {
  const isNegated = chars[0] === "!" || chars[0] === "^";
  const members = isNegated ? chars.slice(1) : chars;
  return (char) => {
    let isIn = false;
    for (let at = 0; at < members.length; at += 1) {
      const from = members[at] ?? "";
      const to = members[at + 1] === "-" ? members[at + 2] : undefined;
      if (to === undefined) isIn ||= char === from;
      else {
        isIn ||= char >= from && char <= to;
        at += 2;
      }
    }
    return isIn !== isNegated;
  };
}

/** Row by row: whether the first so many parts match the first so many names. */
function matchesParts(parts: readonly Part[], names: readonly string[]): boolean {
  let row: readonly boolean[] = [true, ...names.map(() => false)];
  for (const part of parts) {
    const next = [part === "any folders" && row[0] === true];
    for (const [index, name] of names.entries()) {
      next.push(
        part === "any folders"
          ? row[index + 1] === true || next[index] === true
          : row[index] === true && matchesName(part, [...name]),
      );
    }
    row = next;
  }
  return row.at(-1) === true;
}

/** The last star is the only one that is tried again: what an earlier one took never needs to change. */
function matchesName(tokens: readonly Token[], chars: readonly string[]): boolean {
  let token = 0;
  let star = -1;
  let starChar = 0;
  for (let at = 0; at < chars.length;) {
    const current = tokens[token];
    if (current === "many") {
      star = token;
      starChar = at;
      token += 1;
    } else if (current !== undefined && (current === "one" || current(chars[at] ?? ""))) {
      token += 1;
      at += 1;
    } else if (star === -1) return false;
    else {
      starChar += 1;
      at = starChar;
      token = star + 1;
    }
  }
  return tokens.slice(token).every((rest) => rest === "many");
}
