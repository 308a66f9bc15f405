/**
 * A few filters that may run unasked where the configuration names them: with the options listed here, on files of the
 * workspace that the assistant may read anyway. Everything that is not listed is refused: a name alone proves nothing.
 */
import { realpath, stat } from "node:fs/promises";
import path from "node:path";
import { isInside } from "../../platform/safe-path.ts";
import { isOption } from "./option.ts";
import { plainName } from "./kinds.ts";

interface Grammar {
  /** One word that is an option and takes nothing behind it. */
  readonly alone: RegExp;
  /** An option whose value is the next word. */
  readonly withValue?: RegExp;
  /** How many words before the files are no files: a pattern, a filter. */
  readonly leading: number;
  /** Whether such a word is innocent. */
  readonly leadingOk?: RegExp;
  readonly files: "none" | "one" | "many";
}

/** jq without what reads files, the environment or its own modules. */
const jqFilter =
  /^(?!.*(\b(import|include|input_filename|env|inputs?|get_search_list|modulemeta)\b|\$(ENV|__)))[^\\]*$/s;

const grammars: Readonly<Record<string, Grammar>> = {
  jq: {
    alone:
      /^(-[rcaMSjens]+|--(raw-output|compact-output|sort-keys|tab|exit-status|slurp|null-input|monochrome-output))$/,
    leading: 1,
    leadingOk: jqFilter,
    files: "many",
  },
  grep: {
    alone:
      /^(-[ivcnwxEFohHqsl]+|-[ABCm]\d{1,6}|--(ignore-case|count|line-number|only-matching|invert-match|fixed-strings|extended-regexp|color=never))$/,
    withValue: /^-[ABCm]$/,
    leading: 1,
    files: "many",
  },
  cut: {
    alone: /^(-s|-[dfcb].+|--complement|--output-delimiter=.*)$/,
    withValue: /^-[dfcb]$/,
    leading: 0,
    files: "many",
  },
  sort: { alone: /^(-[nrufbdghMV]+|-k[\d,.nrbdfg]+|-t.)$/, withValue: /^-[kt]$/, leading: 0, files: "many" },
  // A second name would be where it writes.
  uniq: { alone: /^-[cdui]+$/, leading: 0, files: "one" },
  head: { alone: /^(-\d{1,9}|-[nc]-?\d{1,9}|-q|-v)$/, withValue: /^-[nc]$/, leading: 0, files: "many" },
  tail: { alone: /^(-\d{1,9}|-[nc][+-]?\d{1,9}|-q|-v)$/, withValue: /^-[nc]$/, leading: 0, files: "many" },
  tr: { alone: /^-[cdsC]+$/, leading: 2, files: "none" },
  wc: { alone: /^-[lwcmL]+$/, leading: 0, files: "many" },
};

export const safeBinNames: readonly string[] = Object.keys(grammars);

/** Whether this command is one of those uses. `cwd` and `workspace` are real paths. */
export async function isSafeUse(
  program: string,
  words: readonly string[],
  place: { readonly cwd: string; readonly workspace: string },
): Promise<boolean> {
  const grammar = grammars[plainName(program)];
  if (grammar === undefined) return false;
  const names: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    if (!isOption(word)) names.push(word);
    else if (grammar.withValue?.test(word) === true) {
      index += 1;
      if (!isHarmlessValue(words[index])) return false;
    } else if (!grammar.alone.test(word)) return false;
  }
  const leading = names.slice(0, grammar.leading);
  if (leading.length < grammar.leading && plainName(program) !== "tr") return false;
  if (grammar.leadingOk !== undefined && !leading.every((word) => grammar.leadingOk?.test(word))) return false;
  const files = names.slice(grammar.leading);
  if (files.length > (grammar.files === "many" ? mostFiles : grammar.files === "one" ? 1 : 0)) return false;
  const inside = await Promise.all(files.map((file) => isWorkspaceFile(file, place)));
  return inside.every(Boolean);
}

const mostFiles = 20;

function isHarmlessValue(value: string | undefined): boolean {
  return (
    value !== undefined && value.length <= 32 && !value.includes("/") && !(value.length > 1 && value.startsWith("-"))
  );
}

/** A file that is there, not a folder or a device, and really in the workspace. */
async function isWorkspaceFile(name: string, { cwd, workspace }: { cwd: string; workspace: string }): Promise<boolean> {
  try {
    const real = await realpath(path.resolve(cwd, name));
    return isInside(workspace, real) && (await stat(real)).isFile();
  } catch {
    return false;
  }
}
