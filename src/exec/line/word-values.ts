/**
 * What a word of a line can become when a shell reads it: quotes taken off, the home folder and known variables put in.
 * What only the running shell knows stays `unknown`. For looking for what must never run; nothing is ever started by it.
 */
import type { Word, WordPart } from "unbash";
import type { SeenLine } from "../parse.ts";

/** Stands for what cannot be told. No line that is judged has it. */
export const unknown = "\0";

export interface ValueFacts {
  readonly env: Readonly<Record<string, string>>;
  readonly seen: SeenLine;
}

/** Whether the word means exactly what it says. */
export function isLiteral(word: Word): boolean {
  const parts = word.parts ?? [];
  return !/^~|[:=]~/.test(word.text) && parts.every((part) => literalParts.has(part.type)) && !hasInner(parts);
}

/** All that a word may become, a few at most; globs stay as they are written. */
export function valuesOf(word: Word, facts: ValueFacts): readonly string[] {
  const parts = word.parts;
  const values =
    parts === undefined ? [word.value] : parts.reduce((made, part) => joined(made, partValues(part, facts)), [""]);
  const home = facts.env["HOME"];
  return values
    .flatMap(expandBraces)
    .slice(0, mostValues)
    .map((value) => (home !== undefined && /^~(\/|$)/.test(word.text) ? home + value.slice(1) : value));
}

const mostValues = 64;
const literalParts = new Set(["Literal", "SingleQuoted", "DoubleQuoted", "AnsiCQuoted"]);

function hasInner(parts: readonly WordPart[]): boolean {
  return parts.some((part) => part.type === "DoubleQuoted" && part.parts.some((inner) => inner.type !== "Literal"));
}

function joined(left: readonly string[], right: readonly string[]): string[] {
  return left.flatMap((start) => right.map((end) => start + end)).slice(0, mostValues);
}

function partValues(part: WordPart, facts: ValueFacts): readonly string[] {
  switch (part.type) {
    case "Literal":
    case "SingleQuoted":
    case "AnsiCQuoted":
      return [part.value];
    case "DoubleQuoted":
    case "LocaleString":
      return part.parts.reduce<readonly string[]>((made, inner) => joined(made, partValues(inner, facts)), [""]);
    case "SimpleExpansion":
      return variable(part.text.slice(1), facts);
    case "ParameterExpansion": {
      if (part.prefix !== undefined || part.index !== undefined) return [unknown];
      const set = variable(part.parameter, facts);
      if (part.operation === undefined) return set;
      return part.operation.type === "Default"
        ? [...set, ...valuesOf(part.operation.operand, facts)]
        : [unknown, ...set];
    }
    case "Glob":
    case "ExtendedGlob":
    case "BraceExpansion":
      return [part.text];
    default:
      return [unknown];
  }
}

/** Its values in the line, else in the environment; a variable that nobody sets is empty, which is how `$DIR/` becomes `/`. */
function variable(name: string, { env, seen }: ValueFacts): readonly string[] {
  const set = seen.assigned.filter((one) => one.name === name);
  if (set.length > 0) return set.map(({ value }) => (value !== null && isLiteral(value) ? value.value : unknown));
  if (!/^[A-Za-z_]\w*$/.test(name)) return [unknown];
  if (shellsOwn.has(name)) return [unknown];
  // `read DIR` and the like set it, too.
  if (seen.commands.some(({ words }) => words.slice(1).some((word) => word.text === name))) return [unknown];
  return [env[name] ?? ""];
}

// oxfmt-ignore
const shellsOwn = new Set([
  "PWD", "OLDPWD", "PPID", "RANDOM", "SECONDS", "UID", "EUID", "BASH", "BASHPID", "BASHOPTS", "SHELLOPTS", "HOSTNAME", "HOSTTYPE", "OSTYPE", "MACHTYPE",
  "IFS", "LINENO", "FUNCNAME", "REPLY", "SHLVL", "OPTARG", "OPTIND", "DIRSTACK", "GROUPS", "PIPESTATUS", "BASH_SOURCE", "BASH_COMMAND", "SHELL", "OPTERR", "PS4", "_",
]);

/** `/{bin,etc}` → `/bin`, `/etc`; what is nested deeper stays as it is. */
function expandBraces(value: string): readonly string[] {
  const found = /^(.*?)\{([^{}]*,[^{}]*)\}(.*)$/s.exec(value);
  if (found === null) return [value];
  const [, head = "", list = "", tail = ""] = found;
  return list
    .split(",")
    .flatMap((item) => (tail.includes("{") ? expandBraces(head + item + tail) : [head + item + tail]));
}
