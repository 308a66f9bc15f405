/**
 * Where everything stands in a JSON5 text: the span of each value, key and comma, and the comments between.
 * For messages with a line number and for edits that leave the rest of the text alone. It reads only text that the
 * JSON5 parser has accepted; on anything else it throws CFG_001 rather than guess.
 */
import JSON5 from "json5";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { KeyPath } from "../dot-path.ts";

export type TreeNode = ObjectNode | ArrayNode | ScalarNode;

interface Span {
  /** Offsets into the text; `end` is behind the last character. */
  readonly start: number;
  readonly end: number;
}

export interface ObjectNode extends Span {
  readonly kind: "object";
  readonly members: readonly MemberNode[];
}

export interface ArrayNode extends Span {
  readonly kind: "array";
  readonly elements: readonly ElementNode[];
}

export interface ScalarNode extends Span {
  readonly kind: "scalar";
}

export interface ElementNode {
  readonly value: TreeNode;
  /** Where the element's text begins: its key, or its value in a list. */
  readonly start: number;
  /** Offset of the comma behind it; null behind the last one without. */
  readonly comma: number | null;
}

export interface MemberNode extends ElementNode {
  readonly key: string;
  readonly keyQuoted: boolean;
}

export interface Tree {
  readonly text: string;
  readonly root: TreeNode;
  readonly comments: readonly Span[];
}

export function parseTree(text: string): Tree {
  const reader = new Reader(text);
  const root = reader.value(0);
  reader.skip();
  if (reader.at < text.length) throw reader.unreadable();
  return { text, root, comments: reader.comments };
}

/** The node at a path, or as much of it as exists: what an error about a missing key can point at. */
export function nodeAt(tree: Tree, path: KeyPath): { node: TreeNode; start: number; found: number } {
  let node = tree.root;
  let { start } = node;
  let found = 0;
  for (const key of path) {
    const child = childAt(node, key);
    if (child === undefined) break;
    ({ value: node, start } = child);
    found += 1;
  }
  return { node, start, found };
}

/** 1-based. */
export function lineOf(text: string, offset: number): number {
  let line = 1;
  for (const match of text.matchAll(/\r\n|[\n\r\u2028\u2029]/g)) {
    if (match.index >= offset) break;
    line += 1;
  }
  return line;
}

/** A repeated key counts as its last occurrence, as in the value that the parser returns. */
function childAt(node: TreeNode, key: string | number): ElementNode | undefined {
  if (node.kind === "object") return node.members.findLast((member) => member.key === String(key));
  if (node.kind === "array") return node.elements[Number(key)];
  return undefined;
}

class Reader {
  readonly text: string;
  readonly comments: Span[] = [];
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  value(depth: number): TreeNode {
    if (depth > limits.jsonDepth) throw new AppError("CFG_001", `Nested deeper than ${limits.jsonDepth} levels.`);
    this.skip();
    const char = this.text[this.at];
    if (char === "{") return this.object(depth);
    if (char === "[") return this.array(depth);
    const start = this.at;
    if (char === '"' || char === "'") this.string();
    else this.word();
    return { kind: "scalar", start, end: this.at };
  }

  private object(depth: number): ObjectNode {
    const start = this.at;
    const members: MemberNode[] = [];
    this.at += 1;
    for (this.skip(); this.text[this.at] !== "}"; this.skip()) {
      const keyStart = this.at;
      const quote = this.text[keyStart];
      const keyQuoted = quote === '"' || quote === "'";
      if (keyQuoted) this.string();
      else this.word();
      const key = keyOf(this.text.slice(keyStart, this.at));
      this.expect(":");
      const value = this.value(depth + 1);
      members.push({ key, keyQuoted, start: keyStart, value, comma: this.comma("}") });
    }
    this.at += 1;
    return { kind: "object", start, end: this.at, members };
  }

  private array(depth: number): ArrayNode {
    const start = this.at;
    const elements: ElementNode[] = [];
    this.at += 1;
    for (this.skip(); this.text[this.at] !== "]"; this.skip()) {
      const value = this.value(depth + 1);
      elements.push({ value, start: value.start, comma: this.comma("]") });
    }
    this.at += 1;
    return { kind: "array", start, end: this.at, elements };
  }

  private comma(closing: string): number | null {
    this.skip();
    if (this.text[this.at] === closing) return null;
    this.expect(",");
    return this.at - 1;
  }

  private expect(char: string): void {
    this.skip();
    if (this.text[this.at] !== char) throw this.unreadable();
    this.at += 1;
  }

  private string(): void {
    const quote = this.text[this.at];
    for (this.at += 1; this.text[this.at] !== quote; this.at += 1) {
      if (this.at >= this.text.length) throw this.unreadable();
      if (this.text[this.at] === "\\") this.at += 1;
    }
    this.at += 1;
  }

  /** A number, a literal or a bare key: everything up to what cannot be part of one. */
  private word(): void {
    const start = this.at;
    while (this.at < this.text.length && !/[\s\uFEFF,:{}[\]"'/]/.test(this.text[this.at] ?? "")) this.at += 1;
    if (this.at === start) throw this.unreadable();
  }

  skip(): void {
    for (;;) {
      while (this.at < this.text.length && /[\s\uFEFF]/.test(this.text[this.at] ?? "")) this.at += 1;
      if (this.text[this.at] !== "/") return;
      const start = this.at;
      const end = this.text[this.at + 1] === "*" ? this.endOf(/\*\//g) : this.endOf(/(?=[\n\r\u2028\u2029])|$/g);
      this.at = end;
      this.comments.push({ start, end });
    }
  }

  private endOf(pattern: RegExp): number {
    pattern.lastIndex = this.at + 2;
    const match = pattern.exec(this.text);
    if (match === null) throw this.unreadable();
    return match.index + match[0].length;
  }

  unreadable(): AppError {
    return new AppError("CFG_001", `Line ${lineOf(this.text, this.at)} is not valid JSON5.`);
  }
}

function keyOf(text: string): string {
  if (/^[\w$]+$/.test(text)) return text;
  if (/^(["'])[^\\]*\1$/.test(text)) return text.slice(1, -1);
  try {
    return Object.keys(JSON5.parse<Record<string, unknown>>(`{${text}:0}`))[0] ?? text;
  } catch (error) {
    throw new AppError("CFG_001", "A key is not valid JSON5.", { cause: error });
  }
}
