/** Second round of an edit: what is new is written behind what is there, in the manner of its neighbours. */
import { isRecord } from "../dot-path.ts";
import type { ElementNode, Tree, TreeNode } from "../text/json5-tree.ts";
import { align } from "./align.ts";
import { indentAt, lineBreakOf, manner, render, renderKey, type Manner } from "./render.ts";
import type { Splice } from "./splice.ts";

export function insertions(tree: Tree, value: unknown, target: unknown): readonly Splice[] {
  const context: Context = { tree, splices: [], manner: manner(tree) };
  visit(tree.root, value, target, context);
  return context.splices;
}

interface Context {
  readonly tree: Tree;
  readonly splices: Splice[];
  readonly manner: Manner;
}

function visit(node: TreeNode, value: unknown, target: unknown, context: Context): void {
  if (node.kind === "object" && isRecord(value) && isRecord(target)) {
    for (const member of node.members) {
      if (Object.hasOwn(target, member.key)) visit(member.value, value[member.key], target[member.key], context);
    }
    const added = Object.entries(target).filter(([key]) => !Object.hasOwn(value, key));
    const write = (indent: string) =>
      added.map(([key, one]) => `${renderKey(key, context.manner)}: ${render(one, indent, context.manner)}`);
    if (added.length > 0) append({ node, elements: node.members, write }, context);
  }
  if (node.kind === "array" && Array.isArray(value) && Array.isArray(target)) visitList(node, [value, target], context);
}

function visitList(
  node: TreeNode & { readonly kind: "array" },
  [value, target]: readonly [readonly unknown[], readonly unknown[]],
  context: Context,
): void {
  const { pairs } = align(value, target);
  for (const [before, after] of pairs) {
    const element = node.elements[before];
    if (element !== undefined) visit(element.value, value[before], target[after], context);
  }
  const known = new Set(pairs.map(([, after]) => after));
  const added = target.map((_, index) => index).filter((index) => !known.has(index));
  const [first] = added;
  if (first === undefined) return;
  const write = (indent: string) => added.map((index) => render(target[index], indent, context.manner));
  // Additions are one block: `align` pairs equal ends, so they stand before the first pair that follows them.
  const following = pairs.find(([, after]) => after > first);
  const next = following === undefined ? undefined : node.elements[following[0]];
  if (next === undefined) append({ node, elements: node.elements, write }, context);
  else prepend(node, next, write, context);
}

interface Addition {
  readonly node: TreeNode;
  readonly elements: readonly ElementNode[];
  readonly write: (indent: string) => readonly string[];
}

function append(addition: Addition, context: Context): void {
  const { text } = context.tree;
  const { node, elements } = addition;
  const last = elements.at(-1);
  if (last === undefined) return fillEmpty(addition, context);
  const multiline = /[\n\r]/.test(text.slice(node.start, node.end));
  const indent = indentAt(text, last.start);
  const end = last.comma === null ? last.value.end : last.comma + 1;
  if (last.comma === null) context.splices.push({ start: end, end, text: "," });
  const closing = last.comma === null ? "" : ",";
  if (!multiline || indent === null) {
    context.splices.push({
      start: end,
      end,
      text: ` ${addition.write(indentAt(text, lineStart(text, node.start)) ?? "").join(", ")}${closing}`,
    });
    return;
  }
  // Behind a comment on the same line: it belongs to the value before.
  const at = endOfLineOrSelf(context.tree, end, node.end - 1);
  const lineBreak = lineBreakOf(text);
  const lines = addition.write(indent).map((one) => `${lineBreak}${indent}${one}`);
  context.splices.push({ start: at, end: at, text: `${lines.join(",")}${closing}` });
}

/** Between the brackets, before the closing one; comments that stand there stay in front. */
function fillEmpty({ node, write }: Addition, context: Context): void {
  const { text } = context.tree;
  const lineBreak = lineBreakOf(text);
  const outer = indentAt(text, lineStart(text, node.start)) ?? "";
  const inner = outer + context.manner.indent;
  const written = write(inner);
  const body = written.map((one) => `${lineBreak}${inner}${one}`).join(",");
  const content = text.slice(node.start + 1, node.end - 1);
  const kept = content.trim() === "" ? "" : content.trimEnd();
  context.splices.push({ start: node.start + 1, end: node.end - 1, text: `${kept}${body}${lineBreak}${outer}` });
}

function prepend(node: TreeNode, next: ElementNode, write: Addition["write"], context: Context): void {
  const { text } = context.tree;
  const indent = indentAt(text, next.start);
  const multiline = /[\n\r]/.test(text.slice(node.start, node.end));
  const between = multiline && indent !== null ? `,${lineBreakOf(text)}${indent}` : ", ";
  const written = write(indent ?? "")
    .map((one) => one + between)
    .join("");
  context.splices.push({ start: next.start, end: next.start, text: written });
}

/** The end of the line where only blanks and comments follow on it; otherwise the place itself. */
function endOfLineOrSelf({ text, comments }: Tree, from: number, limit: number): number {
  let at = from;
  while (at < limit) {
    const comment = comments.find((one) => one.start === at);
    if (comment !== undefined) {
      if (/[\n\r]/.test(text.slice(comment.start, comment.end))) return at;
      at = comment.end;
    } else if (text[at] === " " || text[at] === "\t") at += 1;
    else break;
  }
  return at < limit && text[at] !== "\n" && text[at] !== "\r" ? from : trimmedEnd(text, from, at);
}

function trimmedEnd(text: string, from: number, at: number): number {
  let end = at;
  while (end > from && (text[end - 1] === " " || text[end - 1] === "\t")) end -= 1;
  return end;
}

function lineStart(text: string, offset: number): number {
  let at = offset;
  while (at > 0 && text[at - 1] !== "\n" && text[at - 1] !== "\r") at -= 1;
  while (text[at] === " " || text[at] === "\t") at += 1;
  return at;
}
