/**
 * What a line would start, seen now: the words, the folder, the environment, the programs by device and inode and the
 * scripts by their bytes, and one hash over all of it. Looks at files and runs nothing.
 */
import { createHash } from "node:crypto";
import { realpath, stat } from "node:fs/promises";
import path from "node:path";
import { limits } from "../domain/limits.ts";
import { readFileBounded } from "../platform/atomic-file.ts";
import { contentHash } from "../platform/content-hash.ts";
import type { PinnedFile, PinnedScript, PlannedCommand } from "./contract.ts";
import type { LineReading } from "./parse.ts";
import { isOption } from "./program/option.ts";
import { kindOf } from "./program/kinds.ts";
import { findProgram, type FoundProgram, type SearchPlace } from "./program/resolve-program.ts";

export interface Plan {
  readonly command: PlannedCommand;
  /** The program of a plain command; null for a line that a shell runs. */
  readonly program: FoundProgram | null;
  /** Scripts that are too large, or too many, to be looked at. */
  readonly unread: readonly string[];
}

export type Planned =
  | { readonly ok: true; readonly plan: Plan }
  /** `why`: a sentence for the model. */
  | { readonly ok: false; readonly why: string };

export interface PlanFacts {
  readonly text: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

type Readable = Exclude<LineReading, { kind: "broken" }>;

/** The reading must be of `text`. */
export async function planCommand(reading: Readable, facts: PlanFacts): Promise<Planned> {
  const cwd = await realFolder(facts.cwd);
  if (cwd === null) return { ok: false, why: `There is no folder ${facts.cwd}.` };
  const place: SearchPlace = { cwd, searchPath: facts.env["PATH"] ?? "" };
  if (reading.kind === "plain" && !needsShell.has(reading.words[0] ?? "")) {
    const [name = "", ...words] = reading.words;
    const program = await findProgram(name, place);
    if (program === null)
      return { ok: false, why: `There is no program ${JSON.stringify(name)} that could be started.` };
    const bound = await scriptsOf([{ name, words, pin: program.pin }], cwd);
    return planned({
      facts,
      cwd,
      argv: [program.start, ...words],
      usesShell: false,
      programs: [program.pin],
      bound,
      program,
    });
  }
  return planForShell(reading, facts, place);
}

async function planForShell(reading: Readable, facts: PlanFacts, place: SearchPlace): Promise<Planned> {
  const shell = (await findProgram("bash", place)) ?? (await findProgram("sh", place));
  if (shell === null)
    return { ok: false, why: "There is no shell here that could run this line: give one plain command." };
  const calls = await Promise.all(
    reading.seen.commands.map(async ({ words }) => {
      const [name = "", ...rest] = words.map((word) => word.value);
      const found = await findProgram(name, place);
      return { name, words: rest, pin: found?.pin ?? null };
    }),
  );
  const pins = [shell.pin, ...calls.flatMap(({ pin }) => (pin === null ? [] : [pin]))];
  const programs = pins.filter((pin, index) => pins.findIndex((other) => other.path === pin.path) === index);
  const argv = [shell.start, "-c", facts.text];
  const bound = await scriptsOf(calls, place.cwd);
  return planned({ facts, cwd: place.cwd, argv, usesShell: true, programs, bound, program: null });
}

function planned(parts: {
  facts: PlanFacts;
  cwd: string;
  argv: readonly string[];
  usesShell: boolean;
  programs: readonly PinnedFile[];
  bound: Bound;
  program: FoundProgram | null;
}): Planned {
  const { facts, cwd, argv, usesShell, programs, bound, program } = parts;
  const { text, env } = facts;
  const content = { text, argv, usesShell, cwd, env, programs, scripts: bound.scripts };
  return { ok: true, plan: { command: { ...content, binding: bindingOf(content) }, program, unread: bound.unread } };
}

/** SHA-256, hex, over everything that consent is for. */
export function bindingOf(command: Omit<PlannedCommand, "binding">): string {
  const { text, argv, usesShell, cwd, env, programs, scripts } = command;
  const variables = Object.entries(env).toSorted(([left], [right]) => (left < right ? -1 : 1));
  const whole = [
    text,
    argv,
    usesShell,
    cwd,
    variables,
    programs.map(({ path: file, device, inode }) => [file, device, inode]),
    scripts.map(({ path: file, sha256 }) => [file, sha256]),
  ];
  return contentHash(whole);
}

async function realFolder(folder: string): Promise<string | null> {
  try {
    const real = await realpath(folder);
    return (await stat(real)).isDirectory() ? real : null;
  } catch {
    return null;
  }
}

// ---------------------------------------------------------------- scripts

interface Call {
  readonly name: string;
  readonly words: readonly string[];
  readonly pin: PinnedFile | null;
}

interface Bound {
  readonly scripts: readonly PinnedScript[];
  readonly unread: readonly string[];
}

/** The files among the words whose content decides what happens: read and hashed, so that a change is noticed. */
async function scriptsOf(calls: readonly Call[], cwd: string): Promise<Bound> {
  const named = calls.flatMap((call) => candidatesOf(call).map((file) => path.resolve(cwd, file)));
  const scripts = new Map<string, PinnedScript>();
  const unread: string[] = [];
  for (const file of new Set(named)) {
    const real = await realpath(file).catch(() => null);
    if (real === null || scripts.has(real)) continue;
    if (!(await stat(real).catch(() => null))?.isFile()) continue;
    const bytes = await readFileBounded(real, limits.commandScriptBytes).catch(() => null);
    if (bytes === null || scripts.size >= limits.commandScripts) unread.push(real);
    else scripts.set(real, { path: real, sha256: createHash("sha256").update(bytes).digest("hex") });
  }
  return { scripts: [...scripts.values()].toSorted((left, right) => (left.path < right.path ? -1 : 1)), unread };
}

function candidatesOf({ name, words, pin }: Call): readonly string[] {
  const kind = kindOf(name) ?? (pin === null ? null : kindOf(pin.path));
  const files: string[] = [];
  // Named by its place and not looked for in PATH: its own bytes are what runs.
  if (name.includes("/") && !name.startsWith("~")) files.push(name);
  if (kind === null) return files;
  const values = words.map((word) => (isOption(word) ? word.slice(word.indexOf("=") + 1) : word.replace(/^@/, "")));
  const first = words.findIndex((word) => !isOption(word));
  for (const [index, value] of values.entries()) {
    if (isOption(value) || value === "") continue;
    if (index === first || codeFile.test(value) || value.includes("/")) files.push(value);
  }
  if (kind === "runner") files.push(...projectFiles);
  return files;
}

const codeFile =
  /\.(sh|bash|zsh|fish|py|pyz|js|mjs|cjs|ts|mts|cts|jsx|tsx|pl|pm|rb|php|lua|tcl|r|jl|awk|sed|sql|m4|jar|ps1|mk|ya?ml|json|toml)$/i;

const projectFiles = [
  "Makefile",
  "makefile",
  "GNUmakefile",
  "package.json",
  "Cargo.toml",
  "build.rs",
  "justfile",
  "Rakefile",
  "pyproject.toml",
  "tox.ini",
];

/** They mean something only inside of a shell: as programs they either do not exist or do nothing. */
// oxfmt-ignore
const needsShell = new Set([
  ".", ":", "alias", "bg", "builtin", "cd", "command", "declare", "disown", "enable", "eval", "exec", "exit", "export", "fc", "fg", "hash", "history",
  "jobs", "let", "local", "mapfile", "popd", "pushd", "read", "readarray", "readonly", "return", "set", "shift", "shopt", "source", "suspend", "times",
  "trap", "type", "typeset", "ulimit", "umask", "unalias", "unset", "wait",
]);
