/**
 * Changes values in a JSON5 text and leaves everything else as it is: comments, order, indentation, quotes. No comment
 * outside a removed value is ever lost. The result is parsed again and compared; what cannot be written exactly is
 * refused with CFG_007 rather than written almost right.
 */
import { AppError } from "../../domain/app-error.ts";
import { deepEqual } from "../diff.ts";
import { isRecord } from "../dot-path.ts";
import { applySplices, type Splice } from "./splice.ts";
import { insertions } from "./insert.ts";
import { removals } from "./remove.ts";
import { parseTree } from "../text/json5-tree.ts";
import { readText } from "../text/read-text.ts";

/** `target` must be plain data. Throws CFG_001 where `text` is no JSON5. */
export function editText(text: string, target: unknown, file: string): string {
  if (deepEqual(readText(text, file), target)) return text;
  // What goes, goes first: then what comes can look at its true neighbours.
  const reduced = round(text, target, file, removals);
  const edited = round(reduced, target, file, insertions);
  verify(edited, target, file);
  return edited;
}

type Round = (tree: ReturnType<typeof parseTree>, value: unknown, target: unknown) => readonly Splice[];

function round(text: string, target: unknown, file: string, splicesOf: Round): string {
  const value = readText(text, file);
  if (!isRecord(value) || !isRecord(target))
    throw new AppError("CFG_007", `${file} does not hold an object; it was left as it is.`);
  return applySplices(text, splicesOf(parseTree(text), value, target));
}

function verify(text: string, target: unknown, file: string): void {
  if (reads(text, target, file)) return;
  throw new AppError("CFG_007", `${file} could not be changed without harm to the rest; it was left as it is.`);
}

function reads(text: string, target: unknown, file: string): boolean {
  try {
    return deepEqual(readText(text, file), target);
  } catch (error) {
    if (error instanceof AppError) return false;
    throw error;
  }
}
