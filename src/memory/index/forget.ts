/** Takes lines out of a memory file on the disk. Owns that nothing else of the file changes, down to its line endings. */
import { stat } from "node:fs/promises";
import { writeFileAtomic } from "../../platform/atomic-file.ts";
import { resolveInside } from "../../platform/safe-path.ts";
import { audienceOf, isOf } from "../notes/chunk.ts";
import { readMemoryFile, textOf } from "../notes/memory-files.ts";
import { removeLines } from "../notes/remove-lines.ts";
import { sectionsOf, type Section } from "../notes/sections.ts";
import type { Place } from "./calls.ts";

export interface ForgetLines {
  readonly path: string;
  readonly startLine: number;
  readonly endLine: number;
  readonly containing: string | null;
  readonly audience: number;
}

export type Forgotten =
  /** `text`: what is left of the file. */
  | { readonly outcome: "gone"; readonly text: string }
  /** No such file or lines, or none that may be touched. */
  | { readonly outcome: "unknown" }
  /** The words that should stand there do not. */
  | { readonly outcome: "changed" };

/** Throws STORE_001, STORE_002, SEC_007 where the file cannot be written. */
export async function forgetLines({ workspace, agentId }: Place, what: ForgetLines): Promise<Forgotten> {
  const bytes = await readMemoryFile(workspace, what.path);
  if (bytes === null) return { outcome: "unknown" };
  const text = textOf(bytes);
  const sections = sectionsOf(text);
  const mayTouch = (section: Section): boolean =>
    isOf(section, agentId) && audienceOf(section, what.path) <= what.audience;
  const named = visible(sections.filter(mayTouch), what);
  if (named === "") return { outcome: "unknown" };
  if (what.containing !== null && !named.includes(plain(what.containing))) return { outcome: "changed" };
  // Byte for byte: what is broken in the rest of the file stays as it is.
  const left = removeLines(bytes.toString("latin1"), sections, what, mayTouch);
  const safe = await resolveInside(workspace, what.path);
  const { mode } = await stat(safe.path);
  const rest = Buffer.from(left, "latin1");
  await writeFileAtomic(safe.path, rest, { mode: mode & 0o777 });
  return { outcome: "gone", text: textOf(rest) };
}

function visible(sections: readonly Section[], { startLine, endLine }: ForgetLines): string {
  const lines = sections.flatMap((section) =>
    section.lines.filter((_, index) => section.startLine + index >= startLine && section.startLine + index <= endLine),
  );
  return plain(lines.join("\n"));
}

/** Spaces are not what makes lines other ones. */
function plain(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}
