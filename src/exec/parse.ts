/**
 * What a line is: one plain command of literal words, something that only a shell can run, or broken. Every command in it
 * is found, at any depth of substitutions, groups and functions; what cannot be told is said to be unknown, never guessed.
 */
import type { Script, SyntaxNode, Word } from "unbash";
import { limits } from "../domain/limits.ts";
import { plainWords } from "./line/plain-words.ts";
import { unshowable } from "./line/shown-text.ts";

export interface SeenCommand {
  /** The first is the name; none where it is assignments or redirections alone. */
  readonly words: readonly Word[];
}

export interface SeenLine {
  readonly commands: readonly SeenCommand[];
  /** What files are opened by `>` and its like. */
  readonly written: readonly Word[];
  readonly assigned: readonly { readonly name: string; readonly value: Word | null }[];
  readonly functions: readonly { readonly name: string; readonly calls: readonly string[]; readonly forks: boolean }[];
  /** Bodies of here-documents and here-strings, as text. */
  readonly bodies: readonly string[];
}

export type LineReading =
  | { readonly kind: "plain"; readonly words: readonly string[]; readonly seen: SeenLine }
  /** `syntax`: what makes it need a shell, each the end of a sentence that begins with "It uses". */
  | { readonly kind: "shell"; readonly syntax: readonly string[]; readonly seen: SeenLine }
  /** `why`: the end of a sentence about the line. */
  | { readonly kind: "broken"; readonly why: string };

/** Never throws. The parser is loaded with the first line. */
export async function readLine(text: string): Promise<LineReading> {
  const unseen = unshowable(text);
  if (unseen !== null) return { kind: "broken", why: unseen };
  try {
    const { forEachChild, parse } = await import("unbash");
    const visit = new Visit(forEachChild);
    const script = parse(text);
    visit.enter(script, 0);
    if (visit.trouble !== null) return { kind: "broken", why: visit.trouble };
    if (visit.commands.length === 0 && visit.syntax.size === 0) return { kind: "broken", why: "has no command in it" };
    const words = plainWords(text);
    if (words !== null && isThis(script, words)) return { kind: "plain", words, seen: visit };
    if (visit.syntax.size === 0) visit.syntax.add("signs that mean something to a shell");
    return { kind: "shell", syntax: [...visit.syntax], seen: visit };
  } catch {
    // The parser is made to recover from anything; what it does not survive is nothing to run.
    return { kind: "broken", why: "cannot be read as a command" };
  }
}

/** Whether the parser, too, sees one command of exactly these words and nothing else. */
function isThis(script: Script, words: readonly string[]): boolean {
  const [statement, ...more] = script.commands;
  if (statement === undefined || more.length > 0 || statement.background === true) return false;
  const { command } = statement;
  if (command.type !== "Command" || command.prefix.length > 0 || command.name === undefined) return false;
  const read = [command.name, ...command.suffix];
  return (
    read.length === words.length &&
    read.every((word, index) => {
      // `export a=1` is an assignment to the parser, and to a program just a word.
      if (word.type === "Assignment") return word.text === words[index];
      return word.type === "Word" && word.value === words[index];
    })
  );
}

type Children = (node: SyntaxNode, callback: (child: SyntaxNode) => void) => void;

class Visit implements SeenLine {
  readonly syntax = new Set<string>();
  readonly commands: SeenCommand[] = [];
  readonly written: Word[] = [];
  readonly assigned: { name: string; value: Word | null }[] = [];
  readonly functions: { name: string; calls: string[]; forks: boolean }[] = [];
  readonly bodies: string[] = [];
  trouble: string | null = null;
  readonly #children: Children;
  #nodes = 0;

  constructor(children: Children) {
    this.#children = children;
  }

  enter(node: SyntaxNode, depth: number): void {
    this.#nodes += 1;
    if (depth > limits.commandDepth || this.#nodes > limits.commandNodes) {
      this.trouble ??= "has too many parts, or is nested too deeply, to be judged";
      return;
    }
    this.#note(node);
    if (this.trouble === null) this.#children(node, (child) => this.enter(child, depth + 1));
  }

  #note(node: SyntaxNode): void {
    const kind = syntaxNames[node.type];
    if (kind !== undefined) this.syntax.add(kind);
    switch (node.type) {
      case "Script":
        if (node.errors !== undefined && node.errors.length > 0) {
          this.trouble ??= `cannot be read as a command (${node.errors[0]?.message ?? "unknown"})`;
        }
        if (node.commands.length > 1) this.syntax.add("several commands");
        return;
      case "CommandExpansion":
      case "ProcessSubstitution":
        if (node.script === undefined) this.trouble ??= "has a command in it that cannot be read";
        return;
      case "Statement":
        if (node.background === true) this.syntax.add("a command in the background");
        return;
      case "CompoundList":
        if (node.commands.length > 1) this.syntax.add("several commands");
        return;
      case "Command":
        this.#noteCommand(node);
        return;
      case "Redirect":
        if (node.target !== undefined && node.operator !== "<") this.written.push(node.target);
        return;
      case "HereString":
        if (node.target !== undefined) this.bodies.push(node.target.value);
        return;
      case "HereDoc":
        this.bodies.push(node.body.text);
        return;
      case "Function":
        this.#noteFunction(node.name.value, node.body);
        return;
      case "For":
      case "Select":
        this.assigned.push({ name: node.name.value, value: null });
        return;
      case "Word":
        // The parser gives no part to a tilde, and to a backslash before a line's end.
        if (/^~|[:=]~/.test(node.text)) this.syntax.add("a home folder (~)");
        return;
      default:
    }
  }

  #noteCommand(node: Extract<SyntaxNode, { type: "Command" }>): void {
    for (const part of [...node.prefix, ...node.suffix]) {
      if (part.type !== "Assignment") continue;
      if (part.value.type === "Word") this.assigned.push({ name: part.name, value: part.value });
      else this.assigned.push({ name: part.name, value: null });
    }
    if (node.prefix.some((part) => part.type === "Assignment")) this.syntax.add("a variable set for a command");
    const words = node.suffix.flatMap((part) => {
      if (part.type === "Word") return [part];
      return part.type === "Assignment" ? [assignmentWord(part)] : [];
    });
    this.commands.push({ words: node.name === undefined ? [] : [node.name, ...words] });
  }

  #noteFunction(name: string, body: SyntaxNode): void {
    const calls: string[] = [];
    let forks = false;
    const look = (node: SyntaxNode, depth: number): void => {
      if (depth > limits.commandDepth) return;
      if (node.type === "Command" && node.name !== undefined) calls.push(node.name.value);
      if (node.type === "Pipeline" || (node.type === "Statement" && node.background === true)) forks = true;
      this.#children(node, (child) => look(child, depth + 1));
    };
    look(body, 0);
    this.functions.push({ name, calls, forks });
  }
}

/** `of=/dev/sda` behind a command's name is a word to the program. */
function assignmentWord({ text, pos, end }: { text: string; pos: number; end: number }): Word {
  return { type: "Word", text, value: text.replaceAll(/["'\\]/g, ""), pos, end };
}

const syntaxNames: Readonly<Partial<Record<SyntaxNode["type"], string>>> = {
  Pipeline: "a pipe",
  AndOr: "&& or ||",
  Redirect: "a redirection",
  HereString: "a text as input",
  HereDoc: "a text as input",
  FileDescriptor: "a redirection",
  FileDescriptorVariable: "a redirection",
  CommandExpansion: "a command inside a word",
  ProcessSubstitution: "a command as a file",
  SimpleExpansion: "a variable",
  ParameterExpansion: "a variable",
  ArithmeticExpansion: "arithmetic",
  ArithmeticCommand: "arithmetic",
  Glob: "a file pattern",
  ExtendedGlob: "a file pattern",
  BraceExpansion: "a brace pattern",
  AnsiCQuoted: "escaped characters ($'…')",
  LocaleString: 'a translated text ($"…")',
  Assignment: "a variable set for a command",
  ArrayValue: "a variable",
  If: "a condition",
  Case: "a condition",
  TestCommand: "a condition",
  For: "a loop",
  ArithmeticFor: "a loop",
  While: "a loop",
  Select: "a loop",
  Function: "a function",
  Subshell: "a group of commands",
  BraceGroup: "a group of commands",
  Coproc: "a command in the background",
  Time: "time",
  Negation: "!",
};
