/** One replacement in a text, and doing many of them at once. */
import { AppError } from "../../domain/app-error.ts";

export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The spans may touch but not overlap; those that begin at one place are applied in the order given. */
export function applySplices(text: string, splices: readonly Splice[]): string {
  const ordered = splices.toSorted((left, right) => left.start - right.start || left.end - right.end);
  let result = "";
  let from = 0;
  for (const splice of ordered) {
    if (splice.start < from) throw new AppError("CFG_007", "Two changes of the configuration touch the same text.");
    result += text.slice(from, splice.start) + splice.text;
    from = splice.end;
  }
  return result + text.slice(from);
}
