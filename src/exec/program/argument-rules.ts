/**
 * Words with which an otherwise harmless program runs, writes or fetches something else. Where one stands in a command, it
 * is never allowed for good and no grant covers it.
 */
import { isOption } from "./option.ts";
import { kindOf, kindWords, onlyReadsWords, plainName } from "./kinds.ts";

/** For people, or null: why this command must be looked at each time, whatever is on the list. `words` without the program. */
export function riskIn(program: string, words: readonly string[]): string | null {
  const name = plainName(program);
  if (name === "git") return gitRisk(words);
  const risky = words.find((word) => isRiskyOption(name, word));
  if (risky !== undefined) return `With ${risky.split("=")[0]}, ${name} may run or write something else.`;
  // Its second name is where it writes.
  if (name === "uniq" && words.filter((word) => !isOption(word)).length > 1)
    return "With two names, uniq writes to the second.";
  if (onlyReadsWords(name)) return null;
  const launched = words.find((word, index) => startsProgram(word, index < words.length - 1));
  if (launched === undefined) return null;
  const kind = kindOf(launched);
  return kind === null ? null : `${name} may start ${launched}. ${kindWords(plainName(launched), kind)}`;
}

/** Whether the words behind a program that is allowed with any are innocent: what an import brings is no more exact. */
export function isInnocent(program: string, words: readonly string[]): boolean {
  if (plainName(program) === "git") return readsOnly.has(subcommandOf(words) ?? "");
  return true;
}

function isRiskyOption(name: string, word: string): boolean {
  if (!isOption(word)) return false;
  const own = ownOptions[name];
  if (own?.test(word) === true) return true;
  return word.startsWith("--") && isRiskyLong(word);
}

/** `foo sh x`, `foo /bin/sh`, `foo --with=/bin/sh`. */
function startsProgram(word: string, hasMore: boolean): boolean {
  const value = isOption(word) ? word.slice(word.indexOf("=") + 1) : word;
  if (value === word && isOption(word)) return false;
  if (value === "" || value.includes(" ")) return false;
  return kindOf(value) !== null && (hasMore || value.includes("/"));
}

/** In long options of many programs: something to run, a file of settings that can, a file to write. */
// oxfmt-ignore
const riskyStems = [
  "exec", "command", "cmd", "program", "shell", "pager", "editor", "rsh", "hook", "plugin", "script", "eval", "preload", "checkpoint", "config", "include", "load",
  "textconv", "filter", "output", "require", "import", "rcfile", "template", "delete", "action", "browser", "viewer", "proxy", "unsafe", "interactive", "askpass",
  "compress", "decompress", "diff", "pack", "files", "use", "invoke", "from", "magic", "pre", "bin", "server", "sign", "signature", "contents", "edit", "patch", "tool",
  "trailer", "strategy", "reference", "recurse",
];

/** A long option may be shortened as long as it is clear: what begins like a risky word is one. */
function isRiskyLong(word: string): boolean {
  const parts = (word.slice(2).split("=")[0] ?? "").toLowerCase().split("-");
  const last = parts.at(-1) ?? "";
  return parts.some((part) =>
    riskyStems.some((stem) => part.startsWith(stem) || (part === last && part !== "" && stem.startsWith(part))),
  );
}

/** Short and odd ones, by program. */
const ownOptions: Readonly<Record<string, RegExp>> = {
  sort: /^-[a-zA-Z]*[oT]|^--(o|com|files0|te)/,
  grep: /^-[a-zA-Z]*f|^--fil/,
  rg: /^--(pre|hostname-bin|search-zip)|^-[a-zA-Z]*z/,
  ag: /^--pager/,
  ack: /^--(pager|noenv|ackrc)/,
  jq: /^-[a-zA-Z]*[fL]|^--(from|raw|slurp|arg|rawfile|library)/,
  curl: /^-[a-zA-Z]*[oOKTFdEcbJDxw]|^--(o|remote|upload|form|data|json|engine|cookie|dump|netrc|cert|key|trace|libcurl|url-query|variable)/,
  date: /^-[a-zA-Z]*[sfr]|^--(s|f|r)/,
  file: /^-[a-zA-Z]*[CmfMzZ]|^--(comp|magic|files|unc)/,
  tree: /^-[a-zA-Z]*[oR]/,
  diff: /^--(to-file|from-file|line-format|.*group-format)/,
  ps: /^-[a-zA-Z]*e?E/,
  cp: /^-[a-zA-Z]*[tT]/,
  gzip: /^-/,
  uniq: /^--(?!count|repeated|ignore|unique|skip|check|zero)/,
  wc: /^--files0/,
  du: /^--(files0|exclude-from)|^-[a-zA-Z]*X/,
  ls: /^--(hyperlink)/,
  touch: /^-[a-zA-Z]*r/,
  iconv: /^-[a-zA-Z]*o/,
  xxd: /^-[a-zA-Z]*r/,
  hostname: /^-[a-zA-Z]*[Fb]/,
  xmllint: /^--(noent|load|xinclude|path|catalogs)/,
  pandoc: /^-[a-zA-Z]*[FLoH]/,
  shuf: /^-[a-zA-Z]*o/,
  base64: /^--w/,
};

function gitRisk(words: readonly string[]): string | null {
  const sub = subcommandOf(words);
  if (sub === null) return "git is told before its command to run or read something else.";
  if (!knownGit.has(sub)) return `git ${sub} may run other programs.`;
  const rest = words.slice(words.indexOf(sub) + 1);
  const risky = rest.find(
    (word) =>
      gitOption.test(word) || (word.startsWith("--") && isRiskyLong(word)) || /^[a-z][a-z0-9+.-]*::/i.test(word),
  );
  return risky === undefined ? null : `With ${risky.split("=")[0]}, git may run or write something else.`;
}

/** Null where something stands before it that is more than a matter of looks. */
function subcommandOf(words: readonly string[]): string | null {
  const first = words.findIndex((word) => word !== "--no-pager" && word !== "--no-optional-locks");
  const word = first === -1 ? undefined : words[first];
  if (word === undefined || (isOption(word) && word !== "--version")) return null;
  return word;
}

/** Short options of git that name a program, a file or a setting, alone or with their value. */
const gitOption = /^-[a-zA-Z]*[OiepFcSu]$|^-[OSFcux]./;

// oxfmt-ignore
const readsOnly = new Set([
  "--version", "status", "log", "diff", "show", "rev-parse", "rev-list", "ls-files", "ls-tree", "describe", "blame", "shortlog", "cat-file", "merge-base", "name-rev",
]);

// oxfmt-ignore
const knownGit = new Set([
  ...readsOnly, "branch", "tag", "remote", "reflog", "add", "commit", "fetch", "pull", "push", "checkout", "switch", "restore", "merge", "rm", "mv", "reset", "init", "clean", "stash",
  "cherry-pick", "revert", "count-objects", "for-each-ref", "check-ignore", "var",
]);
