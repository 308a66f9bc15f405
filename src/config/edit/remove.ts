/** First round of an edit: what is gone is cut out, and plain values that changed are replaced in their place. */
import { isRecord } from "../dot-path.ts";
import type { ElementNode, Tree, TreeNode } from "../text/json5-tree.ts";
import { align } from "./align.ts";
import { renderAt, scalarLike } from "./render.ts";
import type { Splice } from "./splice.ts";

export function removals(tree: Tree, value: unknown, target: unknown): readonly Splice[] {
  const splices: Splice[] = [];
  change(tree.root, value, target, { tree, splices });
  return splices;
}

interface Context {
  readonly tree: Tree;
  readonly splices: Splice[];
}

function change(node: TreeNode, value: unknown, target: unknown, context: Context): void {
  if (node.kind === "object" && isRecord(value) && isRecord(target))
    return changeObject(node.members, [value, target], context);
  if (node.kind === "array" && Array.isArray(value) && Array.isArray(target))
    return changeList(node.elements, [value, target], context);
  if (Object.is(value, target)) return;
  const raw = context.tree.text.slice(node.start, node.end);
  const text = scalarLike(raw, target) ?? renderAt(context.tree, node.start, target);
  context.splices.push({ start: node.start, end: node.end, text });
}

function changeObject(
  members: readonly (ElementNode & { readonly key: string })[],
  [value, target]: readonly [Record<string, unknown>, Record<string, unknown>],
  context: Context,
): void {
  // Of a key that is written twice only the last counts; all of them go, or the earlier would come back to life.
  const last = new Map(members.map((member, index) => [member.key, index]));
  const gone = members.map((member) => !Object.hasOwn(target, member.key) && Object.hasOwn(value, member.key));
  for (const [index, member] of members.entries()) {
    if (gone[index] === true || last.get(member.key) !== index || !Object.hasOwn(target, member.key)) continue;
    change(member.value, value[member.key], target[member.key], context);
  }
  cut(members, gone, context);
}

function changeList(
  elements: readonly ElementNode[],
  [value, target]: readonly [readonly unknown[], readonly unknown[]],
  context: Context,
): void {
  const { pairs } = align(value, target);
  const kept = new Set(pairs.map(([before]) => before));
  for (const [before, after] of pairs) {
    const element = elements[before];
    if (element !== undefined) change(element.value, value[before], target[after], context);
  }
  cut(
    elements,
    elements.map((_, index) => !kept.has(index)),
    context,
  );
}

/** Cuts elements with their commas. Where the last had none, the new last gets none either: strict JSON stays strict. */
function cut(elements: readonly ElementNode[], gone: readonly boolean[], { tree, splices }: Context): void {
  for (const [index, element] of elements.entries()) {
    if (gone[index] !== true) continue;
    const { comma } = element;
    if (comma === null) {
      splices.push(wholeLines(tree.text, element.start, element.value.end));
      continue;
    }
    const between = tree.text.slice(element.value.end, comma);
    if (between.trim() === "") splices.push(wholeLines(tree.text, element.start, comma + 1));
    else {
      // A comment stands between the value and its comma: it stays.
      splices.push(
        { start: element.start, end: element.value.end, text: "" },
        { start: comma, end: comma + 1, text: "" },
      );
    }
  }
  const last = elements.at(-1);
  if (last === undefined || last.comma !== null || gone.at(-1) !== true) return;
  const newLast = elements.findLast((_, index) => gone[index] !== true);
  if (newLast?.comma !== undefined && newLast.comma !== null) {
    splices.push({ start: newLast.comma, end: newLast.comma + 1, text: "" });
  }
}

/** With the line, where nothing else stands on it; with the space before it, where something does. */
function wholeLines(text: string, start: number, end: number): Splice {
  let from = start;
  while (from > 0 && isBlank(text[from - 1])) from -= 1;
  let to = end;
  while (to < text.length && isBlank(text[to])) to += 1;
  const alone = (from === 0 || isBreak(text[from - 1])) && (to === text.length || isBreak(text[to]));
  if (alone) {
    if (text[to] === "\r" && text[to + 1] === "\n") to += 2;
    else if (to < text.length) to += 1;
    return { start: from, end: to, text: "" };
  }
  // What stands before it on the line keeps its distance from what stands behind.
  if (from > 0 && !isBreak(text[from - 1])) return { start: from, end, text: "" };
  return { start, end: to, text: "" };
}

function isBlank(char: string | undefined): boolean {
  return char === " " || char === "\t";
}

function isBreak(char: string | undefined): boolean {
  return char === "\n" || char === "\r";
}
