/**
 * Takes lines out of a file's text. A head or heading stays as long as anything stands below it: without it, what follows
 * would fall to the section above, and a private note become a group's.
 */
import { isHeading } from "./note-head.ts";
import { linesOf, type Section } from "./sections.ts";

interface Range {
  readonly startLine: number;
  readonly endLine: number;
}

/** `sections` are the text's own. Lines of sections that `mayTouch` denies stay. */
export function removeLines(
  text: string,
  sections: readonly Section[],
  range: Range,
  mayTouch: (section: Section) => boolean,
): string {
  const gone = new Set(sections.filter(mayTouch).flatMap((section) => goneOf(section, range)));
  return linesOf(text)
    .filter((_, index) => !gone.has(index + 1))
    .join("\n");
}

/** Numbers of the lines that go. */
function goneOf(section: Section, { startLine, endLine }: Range): readonly number[] {
  const isIn = (line: number): boolean => line >= startLine && line <= endLine;
  const numbers = section.lines.map((_, index) => section.startLine + index);
  const touched = numbers.filter(isIn);
  if (touched.length === 0 || !isHeading(section.lines[0] ?? "")) return touched;
  const body = numbers.slice(1);
  const isBlank = (line: number): boolean => (section.lines[line - section.startLine] ?? "").trim() === "";
  const isBare = body.every((line) => isIn(line) || isBlank(line));
  // A head without its note says nothing; a person's own heading goes where it was named.
  if (isBare && (section.hasHead || isIn(section.startLine))) return numbers;
  return body.filter(isIn);
}
