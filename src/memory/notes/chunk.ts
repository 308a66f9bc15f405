/**
 * Cuts a file of the memory into the pieces that are found: never across a section, some 400 tokens long, each repeating
 * the last lines of the one before it, so that what stands on a cut is found from both sides. Pure.
 */
import { limits } from "../../domain/limits.ts";
import { utf8Bytes } from "../../domain/text.ts";
import { audience, sectionsOf, type Section } from "./sections.ts";
import { longTermFile } from "./memory-files.ts";

export interface Chunk {
  readonly startLine: number;
  readonly endLine: number;
  readonly text: string;
  readonly audience: number;
  readonly foreign: string | null;
}

interface Line {
  readonly number: number;
  readonly text: string;
}

/** What `agentId` may know of a file; another agent's notes are not even cut. */
export function chunksOf(path: string, text: string, agentId: string): readonly Chunk[] {
  return sectionsOf(text)
    .filter((section) => isOf(section, agentId))
    .flatMap((section) => cut(section).map((lines) => chunkOf(lines, section, path)));
}

export function isOf(section: Pick<Section, "agentId">, agentId: string): boolean {
  return section.agentId === null || section.agentId === agentId;
}

/** Notes of a head have its audience; a line of MEMORY.md that looks like a head is no head. */
export function audienceOf(section: Pick<Section, "audience">, path: string): number {
  return path === longTermFile ? Math.max(section.audience, audience.unmarked) : section.audience;
}

function chunkOf(lines: readonly Line[], section: Section, path: string): Chunk {
  return {
    startLine: lines[0]?.number ?? section.startLine,
    endLine: lines.at(-1)?.number ?? section.endLine,
    text: lines.map(({ text }) => text).join("\n"),
    audience: audienceOf(section, path),
    foreign: section.foreign,
  };
}

function cut(section: Section): readonly (readonly Line[])[] {
  const first = section.startLine + (section.hasHead ? 1 : 0);
  const lines = section.lines
    .slice(section.hasHead ? 1 : 0)
    .flatMap((text, index) => pieces(text).map((piece) => ({ number: first + index, text: piece })));
  const chunks: Line[][] = [];
  let current: Line[] = [];
  let bytes = 0;
  let isText = false;
  for (const line of lines) {
    const size = utf8Bytes(line.text) + 1;
    if (bytes + size > limits.memoryChunkBytes) {
      if (isText) chunks.push(current);
      // Blank lines alone are no piece, however many.
      current = isText ? tail(current, size) : [];
      bytes = current.reduce((sum, { text }) => sum + utf8Bytes(text) + 1, 0);
      isText = current.some(({ text }) => text.trim() !== "");
    }
    current.push(line);
    bytes += size;
    isText ||= line.text.trim() !== "";
  }
  chunks.push(current);
  return chunks.map(trimmed).filter((chunk) => chunk.length > 0);
}

/** The last lines, as far as the overlap and the next line leave room. */
function tail(lines: readonly Line[], nextBytes: number): Line[] {
  const room = Math.min(limits.memoryOverlapBytes, limits.memoryChunkBytes - nextBytes);
  let bytes = 0;
  let from = lines.length;
  while (from > 1) {
    bytes += utf8Bytes(lines[from - 1]?.text ?? "") + 1;
    if (bytes > room) break;
    from -= 1;
  }
  return lines.slice(from);
}

/** A line that is longer than a chunk is several of the same number. */
function pieces(text: string): readonly string[] {
  const most = limits.memoryChunkBytes - limits.memoryOverlapBytes;
  if (text.length * 3 <= most || utf8Bytes(text) <= most) return [text];
  const found: string[] = [];
  // At most three bytes a unit: a slice of so many units fits, whatever it is made of.
  const units = Math.floor(most / 3);
  for (let from = 0; from < text.length;) {
    const isSplitPair = (text.codePointAt(from + units - 1) ?? 0) > 0xffff;
    const to = Math.min(text.length, from + units - (isSplitPair ? 1 : 0));
    found.push(text.slice(from, to));
    from = to;
  }
  return found;
}

function trimmed(lines: readonly Line[]): readonly Line[] {
  const isText = ({ text }: Line): boolean => text.trim() !== "";
  const first = lines.findIndex(isText);
  return first === -1 ? [] : lines.slice(first, lines.findLastIndex(isText) + 1);
}
