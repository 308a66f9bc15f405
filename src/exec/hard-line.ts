/**
 * What never runs, whoever allows it: the end of the machine, of a person's files, or of the gateway's own rules. Below
 * every setting and every yes. It is a net under mistakes, not the fence: what hides behind code or an unknown variable is
 * what questions and boxes are for.
 */
import { realpath } from "node:fs/promises";
import path from "node:path";
import { isInside } from "../platform/safe-path.ts";
import type { Word } from "unbash";
import { unknown, valuesOf, type ValueFacts } from "./line/word-values.ts";
import { readLine, type LineReading, type SeenLine } from "./parse.ts";
import { kindOf, onlyReadsWords, plainName } from "./program/kinds.ts";
import { isOption } from "./program/option.ts";
import { isOwnFile, type OwnFiles } from "./own-files.ts";

export interface HardLineFacts extends OwnFiles {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly gatewayPid: number;
}

/** The end of a sentence that begins with "It would", or null. */
export async function hardLine(
  reading: Exclude<LineReading, { kind: "broken" }>,
  facts: HardLineFacts,
  depth = 0,
): Promise<string | null> {
  const look = new Look(facts, reading.seen);
  await look.follow();
  const found = look.line();
  if (found !== null || depth >= deepest) return found;
  for (const inner of look.innerLines()) {
    const read = await readLine(inner);
    const deeper = read.kind === "broken" ? codeDoes(inner) : await hardLine(read, facts, depth + 1);
    if (deeper !== null) return deeper;
  }
  return null;
}

/** Shells inside of shells that are looked into. */
const deepest = 5;

class Look {
  readonly #facts: HardLineFacts;
  readonly #seen: SeenLine;
  readonly #values: ValueFacts;
  /** Real paths of what the line names, where they differ: a link is innocent, and what it leads to may not be. */
  readonly #real = new Map<string, string>();
  /** Where the line may stand when a command runs. */
  readonly #folders: readonly string[];

  constructor(facts: HardLineFacts, seen: SeenLine) {
    this.#facts = facts;
    this.#seen = seen;
    this.#values = { env: facts.env, seen };
    const moved = seen.commands.flatMap(({ words }) =>
      ["cd", "pushd"].includes(words[0]?.value ?? "") ? this.#moves(words.slice(1)) : [],
    );
    this.#folders = [facts.cwd, ...moved];
  }

  #moves(words: readonly Word[]): readonly string[] {
    const targets = words
      .flatMap((word) => valuesOf(word, this.#values))
      .filter((value) => !isOption(value) && value !== "");
    const home = this.#facts.env["HOME"] ?? "/";
    return (targets.length === 0 ? [home] : targets).map((target) => path.resolve(this.#facts.cwd, target));
  }

  /** Follows the links among what the line names. Before `line`. */
  async follow(): Promise<void> {
    const words = [...this.#seen.written, ...this.#seen.commands.flatMap((command) => command.words)];
    const values = words.flatMap((word) => valuesOf(word, this.#values)).filter((value) => !value.includes(unknown));
    const named = values.flatMap((value) => [value, value.replace(/\/[^/]*$/, "")]).filter((value) => value !== "");
    const places = new Set(this.#folders.flatMap((folder) => named.map((value) => path.resolve(folder, value))));
    await Promise.all(
      [...places].slice(0, mostPlaces).map(async (place) => {
        const real = await realPlace(place);
        if (real !== place) this.#real.set(place, real);
      }),
    );
  }

  #bothOf(place: string): readonly string[] {
    const real = this.#real.get(place);
    return real === undefined ? [place] : [place, real];
  }

  line(): string | null {
    for (const { name, calls, forks } of this.#seen.functions) {
      if (forks && calls.includes(name)) return "start itself again and again until nothing else can run";
    }
    for (const word of this.#seen.written) {
      const found = this.#writes(valuesOf(word, this.#values));
      if (found !== null) return found;
    }
    for (const { words } of this.#seen.commands) {
      const found = this.#command(words.map((word) => valuesOf(word, this.#values)));
      if (found !== null) return found;
    }
    return null;
  }

  /** Texts that a command of the line runs as a line of its own. */
  innerLines(): readonly string[] {
    const texts = this.#seen.commands.flatMap(({ words }) => {
      const argv = words.map((word) => valuesOf(word, this.#values)[0] ?? "");
      const [name = "", ...rest] = argv;
      if (plainName(name) === "eval") return [rest.join(" ")];
      const isFed = onlyReadsWords(name) && !this.#feedsShell();
      return isFed ? [] : rest.filter((word) => /[\s;|&]/.test(word)).map((word) => word.replaceAll("\\n", "\n"));
    });
    const bodies = this.#feedsShell() ? this.#seen.bodies : [];
    return [...texts, ...bodies].map((text) => text.replaceAll(unknown, "")).filter((text) => text.trim() !== "");
  }

  #feedsShell(): boolean {
    return this.#seen.commands.some(({ words }) => words.some((word) => kindOf(word.value) === "shell"));
  }

  /** Each word with all it may become. A program behind a program that starts others is looked at as if it stood alone. */
  #command(words: readonly (readonly string[])[]): string | null {
    const names = words[0] ?? [];
    for (const name of names) {
      const rest = words.slice(1);
      const found = this.#call(plainName(name), rest);
      if (found !== null) return found;
      if (onlyReadsWords(name)) continue;
      for (let index = 0; index < rest.length; index += 1) {
        for (const inner of rest[index] ?? []) {
          const deeper = dangerous.has(plainName(inner)) ? this.#call(plainName(inner), rest.slice(index + 1)) : null;
          if (deeper !== null) return deeper;
        }
      }
    }
    return null;
  }

  #call(name: string, words: readonly (readonly string[])[]): string | null {
    const flat = words.flat();
    const operands = flat.filter((word) => !isOption(word));
    if (/^(mkfs|mke2fs|newfs|mkswap|blkdiscard)(\.|$)/.test(name) && operands.length > 0) return "make a disk empty";
    if (name === "wipefs" && flat.some((word) => /^(-[a-z]*[af]|--(all|force))/.test(word))) return "make a disk empty";
    if (isPowerSwitch(name, flat)) return "stop the machine";
    return this.#kills(name, flat) ?? this.#removes(name, flat, operands) ?? this.#changes(name, flat, operands);
  }

  #kills(name: string, words: readonly string[]): string | null {
    if (name === "kill" && !words.includes("-l") && !words.includes("-L")) {
      const targets = words.filter((word, index) => /^-?\d+$/.test(word) && !isSignal(words, index));
      const doomed = new Set([1, -1, 0, this.#facts.gatewayPid, -this.#facts.gatewayPid]);
      if (targets.some((word) => doomed.has(Number(word)))) return "end the gateway or every program there is";
    }
    if (["killall", "pkill", "killall5"].includes(name)) {
      const all = name === "killall5" || words.some((word) => /^(node|nodejs|openclaw.*|\.\*?|\.)$/i.test(word));
      if (all) return "end the gateway";
    }
    if (name === "openclaw" && words.some((word) => houseVerbs.has(word)) && !words.includes("--help")) {
      return "change what the assistant may do, or answer its own questions";
    }
    return null;
  }

  #removes(name: string, words: readonly string[], operands: readonly string[]): string | null {
    const isRecursive = words.some((word) => /^-[a-zA-Z]*[rR]|^--rec/.test(word));
    if (["rm", "grm", "srm", "unlink", "rmdir", "shred"].includes(name)) {
      if ((isRecursive || name === "srm") && operands.some((word) => this.#isPrecious(word))) {
        return "remove a whole system, or a whole home folder";
      }
    }
    if (name === "mv" && operands.slice(0, -1).some((word) => this.#isPrecious(word)))
      return "move a whole system away";
    if (["find", "fd", "gfind"].includes(name)) {
      const removes = words.some((word) => word === "-delete" || ["rm", "shred", "unlink"].includes(plainName(word)));
      const narrow = words.some((word) =>
        /^-(name|iname|path|ipath|regex|iregex|newer|mtime|mmin|size|user|empty)$/.test(word),
      );
      if (removes && !narrow && operands.some((word) => this.#isPrecious(word)))
        return "remove a whole system, or a whole home folder";
    }
    if (["chmod", "chown", "chgrp", "setfacl", "chattr"].includes(name) && isRecursive) {
      if (operands.some((word) => this.#isPrecious(word)))
        return "change the rights of a whole system, or a whole home folder";
    }
    return null;
  }

  #changes(name: string, words: readonly string[], operands: readonly string[]): string | null {
    if (name === "dd") {
      const target = words.flatMap((word) => (word.startsWith("of=") ? [word.slice(3)] : []));
      return this.#writes(target);
    }
    if (lastIsTarget.has(name)) {
      const named = words.flatMap((word, index) => {
        const value = word === "-t" ? words[index + 1] : /^(?:-t|--target-directory=)(.+)$/.exec(word)?.[1];
        return value ?? [];
      });
      return this.#writes([...operands.slice(-1), ...named]);
    }
    const inPlace =
      ["sed", "gsed", "perl", "ruby"].includes(name) && words.some((word) => /^-[a-zA-Z]*i|^--in-place/.test(word));
    return allAreTargets.has(name) || inPlace ? this.#writes(operands) : null;
  }

  #writes(targets: readonly string[]): string | null {
    for (const target of targets.filter((word) => word !== "" && !word.includes(unknown))) {
      for (const folder of this.#folders) {
        const files = this.#bothOf(path.resolve(folder, target));
        if (files.some((file) => blockDevice.test(file))) return "write over a disk or the memory";
        if (files.some((file) => isOwnFile(file, this.#facts))) return "write to the gateway's own files";
      }
    }
    return null;
  }

  /** A folder without which there is no system or no person's files, or everything in one. */
  #isPrecious(target: string): boolean {
    if (target === "" || target.includes(unknown)) return false;
    const home = this.#facts.env["HOME"];
    const everything = /^(.*?)\/?(?:\*+|\.\*|\?\*|\.\?\*|\.\[[^\]]*\]\*?)$/s.exec(target);
    const plain = everything === null ? target : (everything[1] ?? "") || (target.startsWith("/") ? "/" : ".");
    return this.#folders
      .flatMap((folder) => this.#bothOf(path.resolve(folder, plain)))
      .some((place) => {
        return systemFolder.test(place) || place === home || this.#isAboveHome(place) || this.#isAboveOwn(place);
      });
  }

  #isAboveHome(place: string): boolean {
    const home = this.#facts.env["HOME"];
    return home !== undefined && isInside(place, home);
  }

  #isAboveOwn(place: string): boolean {
    return this.#facts.ownPaths.some((own) => isInside(place, own));
  }
}

/** Names of a line whose links are followed. */
const mostPlaces = 1_000;

/** The real path, or that of the folder where the place itself is not there yet. */
async function realPlace(place: string): Promise<string> {
  const real = await realpath(place).catch(() => null);
  if (real !== null) return real;
  const folder = await realpath(path.dirname(place)).catch(() => null);
  return folder === null ? place : path.join(folder, path.basename(place));
}

/** In code of a language that is not looked into: the few words that mean the same everywhere. */
function codeDoes(text: string): string | null {
  return /\brm\s+(-[\w-]+\s+)*-[a-z]*r[a-z]*\s+(-\S+\s+)*["']?(\/|~|\$HOME)(\*|\s|["';)]|$)|rmtree\(\s*["'](\/|~)["']/i.test(
    text,
  )
    ? "remove a whole system, or a whole home folder"
    : null;
}

function isPowerSwitch(name: string, words: readonly string[]): boolean {
  if (["shutdown", "reboot", "halt", "poweroff", "pm-suspend", "pm-hibernate"].includes(name)) {
    return !words.some((word) => ["--help", "--version", "-c", "--show"].includes(word));
  }
  if (["init", "telinit"].includes(name)) return words.some((word) => /^[0156sS]$/.test(word));
  if (name === "systemctl" || name === "loginctl") {
    return words.some((word) =>
      /^(poweroff|reboot|halt|kexec|suspend|hibernate|hybrid-sleep|soft-reboot|emergency|rescue|exit)$/.test(word),
    );
  }
  return false;
}

/** `kill -9 1`, `kill -s 9 1`: the nine is no target. */
function isSignal(words: readonly string[], index: number): boolean {
  const before = words[index - 1];
  if (before === "-s" || before === "-n" || before === "--signal") return true;
  return index === 0 && words.length > 1 && (words[index] ?? "").startsWith("-");
}

const houseVerbs = new Set([
  "approvals",
  "secrets",
  "devices",
  "pairing",
  "set",
  "unset",
  "stop",
  "restart",
  "token",
  "allow",
  "call",
]);

/** What is looked for behind a program that starts others. */
// oxfmt-ignore
const dangerous = new Set([
  "rm", "grm", "srm", "find", "mv", "chmod", "chown", "chgrp", "dd", "mkfs", "mke2fs", "wipefs", "blkdiscard", "shred", "tee", "cp", "kill", "killall", "pkill",
  "shutdown", "reboot", "halt", "poweroff", "init", "telinit", "systemctl", "openclaw", "truncate", "ln", "install", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "mkfs.vfat", "rsync", "sed", "touch",
]);

const lastIsTarget = new Set(["cp", "install", "rsync", "scp", "ln", "gcp"]);
const allAreTargets = new Set([
  "rm",
  "mv",
  "tee",
  "truncate",
  "shred",
  "unlink",
  "rmdir",
  "chmod",
  "chown",
  "chgrp",
  "touch",
  "grm",
  "gmv",
  "mkdir",
  "chattr",
]);

const blockDevice =
  /^\/dev\/((sd|hd|vd|xvd)[a-z]|nvme\d|mmcblk\d|disk\d|rdisk\d|md\d|dm-\d|loop\d|mapper\/|mem$|kmem$|port$|nbd\d|sr\d)/;
const systemFolder =
  /^\/(?:bin|sbin|boot|dev|etc|home|lib|lib32|lib64|opt|proc|root|run|srv|sys|usr|var|Users|System|Library|Applications|Volumes|private)?$/;
