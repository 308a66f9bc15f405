/** Values as JSON5 text in the manner of the file they go into. What is strict JSON stays strict JSON. */
import { isRecord } from "../dot-path.ts";
import type { Tree, TreeNode } from "../text/json5-tree.ts";

export interface Manner {
  /** One step of indentation. */
  readonly indent: string;
  readonly lineBreak: string;
  /** Whether keys that could stand bare are written bare. */
  readonly bareKeys: boolean;
  readonly singleQuotes: boolean;
}

export function manner(tree: Tree): Manner {
  const seen = { bare: 0, quoted: 0, single: 0, double: 0 };
  count(tree.root, tree.text, seen);
  return {
    indent: indentStep(tree.text),
    lineBreak: lineBreakOf(tree.text),
    bareKeys: seen.quoted === 0 || seen.bare > seen.quoted,
    singleQuotes: seen.single > seen.double,
  };
}

/** `indent` is that of the line on which the value begins. */
export function render(value: unknown, indent: string, how: Manner): string {
  const inner = indent + how.indent;
  const lines = (parts: readonly string[]): string => parts.map((part) => `${how.lineBreak}${inner}${part}`).join(",");
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    if (value.every((element) => typeof element !== "object" || element === null)) {
      return `[${value.map((element) => render(element, inner, how)).join(", ")}]`;
    }
    return `[${lines(value.map((element) => render(element, inner, how)))}${how.lineBreak}${indent}]`;
  }
  if (isRecord(value)) {
    const entries = Object.entries(value).map(([key, one]) => `${renderKey(key, how)}: ${render(one, inner, how)}`);
    return entries.length === 0 ? "{}" : `{${lines(entries)}${how.lineBreak}${indent}}`;
  }
  return scalar(value, how.singleQuotes);
}

/** As `render`, for a value that takes the place of another at this offset. */
export function renderAt(tree: Tree, offset: number, value: unknown): string {
  return render(value, lineIndent(tree.text, offset), manner(tree));
}

/** Text in the quotes that the old value had; null where it is no text for text. */
export function scalarLike(raw: string, value: unknown): string | null {
  if (typeof value !== "string" || !/^["']/.test(raw)) return null;
  return scalar(value, raw.startsWith("'"));
}

export function renderKey(key: string, how: Manner): string {
  return how.bareKeys && /^[A-Za-z_$][\w$]*$/.test(key) ? key : scalar(key, how.singleQuotes);
}

/** The white space before an offset where nothing else stands on its line; null where something does. */
export function indentAt(text: string, offset: number): string | null {
  const indent = lineIndent(text, offset);
  const start = offset - indent.length;
  return start <= 0 || /[\n\r]/.test(text[start - 1] ?? "\n") ? indent : null;
}

export function lineBreakOf(text: string): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}

function lineIndent(text: string, offset: number): string {
  const line = /[^\n\r]*$/.exec(text.slice(0, offset))?.[0] ?? "";
  return /^[ \t]*/.exec(line)?.[0] ?? "";
}

function indentStep(text: string): string {
  const step = /[\n\r]([ \t]+)[^\s]/.exec(text)?.[1] ?? "  ";
  return step.startsWith("\t") ? "\t" : step.slice(0, 8);
}

function scalar(value: unknown, singleQuotes: boolean): string {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value !== "string") return String(value);
  // Both line separators are legal in JSON and a trap for everything that reads the file as a script.
  const json = JSON.stringify(value)
    .replaceAll("\u2028", String.raw`\u2028`)
    .replaceAll("\u2029", String.raw`\u2029`);
  if (!singleQuotes) return json;
  return `'${json
    .slice(1, -1)
    .replaceAll(String.raw`\"`, '"')
    .replaceAll("'", String.raw`\'`)}'`;
}

function count(
  node: TreeNode,
  text: string,
  seen: { bare: number; quoted: number; single: number; double: number },
): void {
  if (node.kind === "scalar") {
    if (text[node.start] === "'") seen.single += 1;
    if (text[node.start] === '"') seen.double += 1;
  } else if (node.kind === "array") for (const element of node.elements) count(element.value, text, seen);
  else {
    for (const member of node.members) {
      if (member.keyQuoted) seen.quoted += 1;
      else seen.bare += 1;
      count(member.value, text, seen);
    }
  }
}
