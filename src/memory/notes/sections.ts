/**
 * A file of the memory as pieces of one origin each: notes under their heads, and what a person wrote by hand. Owns who may
 * see which piece. What nobody marked as said in a group counts as not meant for one.
 */
import { isHeading, readHead } from "./note-head.ts";

/** Who may see it: everybody; groups only where the configuration says so; never a group. In that order, as numbers. */
export const audience = Object.freeze({ everybody: 0, unmarked: 1, direct: 2 });

export interface Section {
  readonly audience: number;
  /** Null: everybody's who works in this workspace. */
  readonly agentId: string | null;
  readonly foreign: string | null;
  /** Of the head or heading, where there is one; from 1. */
  readonly startLine: number;
  /** The line of the last of `lines`. */
  readonly endLine: number;
  /** Whether the first line is a note's head, which is no part of what was noted. */
  readonly hasHead: boolean;
  readonly lines: readonly string[];
}

interface Begun {
  readonly audience: number;
  readonly agentId: string | null;
  readonly foreign: string | null;
  readonly startLine: number;
  readonly hasHead: boolean;
}

/** In their order, and together the whole file. */
export function sectionsOf(text: string): readonly Section[] {
  const lines = linesOf(text);
  const sections: Section[] = [];
  let begun: Begun = handwritten(1);
  const end = (endLine: number): void => {
    if (endLine < begun.startLine) return;
    sections.push({ ...begun, endLine, lines: lines.slice(begun.startLine - 1, endLine) });
  };
  for (const [index, line] of lines.entries()) {
    if (!isHeading(line)) continue;
    end(index);
    begun = beginning(line, index + 1);
  }
  end(lines.length);
  return sections;
}

export function linesOf(text: string): readonly string[] {
  return text.split("\n");
}

function beginning(line: string, startLine: number): Begun {
  const head = readHead(line);
  if (head === null) return handwritten(startLine);
  return {
    audience: head.isGroup ? audience.everybody : audience.direct,
    agentId: head.agentId,
    foreign: head.foreign,
    startLine,
    hasHead: true,
  };
}

/** A heading of a person's own ends the note above it: what follows is nobody's session. */
function handwritten(startLine: number): Begun {
  return { audience: audience.unmarked, agentId: null, foreign: null, startLine, hasHead: false };
}
