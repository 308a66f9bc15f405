/**
 * An agent's notes as files: `<workspace>/memory/YYYY-MM-DD.md`, plain Markdown that a person can read, edit and keep in
 * git. Only ever appended to here. Each piece stands under a head that names its session and whether that is a group, so
 * that whoever reads the notes for a group can leave out what was said in private.
 */
import { constants } from "node:fs";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import { utf8Bytes } from "../../domain/text.ts";
import { ensurePrivateDir, privateFileMode, storageError } from "../../platform/atomic-file.ts";
import { openInside, resolveInside } from "../../platform/safe-path.ts";
import { headLine, withoutHeads } from "./note-head.ts";

export const notesFolder = "memory";

export interface Note {
  readonly agentId: string;
  readonly sessionKey: string;
  readonly isGroup: boolean;
  readonly markdown: string;
  readonly atMs: number;
  /** Sources of the foreign words that it was made from. */
  readonly foreign?: readonly string[];
}

export interface NotePlace {
  readonly workspace: string;
  /** Of the person: whose day it is. UTC where absent or not known. */
  readonly timeZone: string | undefined;
}

export type Appended =
  /** `path` relative to the workspace; `text` as it stands at the end of the file. */
  | { readonly outcome: "written"; readonly path: string; readonly text: string }
  /** The day's file has no room. */
  | { readonly outcome: "full" };

/** Resolves when it is durable. Throws STORE_001, STORE_002, SEC_007 where the place cannot be written. */
export async function appendNote(note: Note, { workspace, timeZone }: NotePlace): Promise<Appended> {
  const { day, time } = localTime(note.atMs, timeZone);
  await ensurePrivateDir(workspace);
  // Looked at before it is made: a link that stands there already must not lead the folder elsewhere.
  await ensurePrivateDir((await resolveInside(workspace, notesFolder)).path);
  const path = `${notesFolder}/${day}.md`;
  const file = await resolveInside(workspace, path);
  const { sessionKey, agentId, isGroup, foreign = [] } = note;
  const head = { sessionKey, agentId, isGroup, foreign: foreign.length === 0 ? null : foreign.join("; ") };
  const text = `\n${headLine(time, head)}\n\n${withoutHeads(note.markdown)}\n`;
  try {
    // One write to the end: two turns at the same time do not write into each other.
    const handle = await openInside(file, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, privateFileMode);
    try {
      const found = await handle.stat();
      if (!found.isFile()) throw new AppError("STORE_001", `${file.path} is not an ordinary file.`);
      if (found.size + utf8Bytes(text) > limits.memoryDayBytes) return { outcome: "full" };
      await handle.write(text);
      await handle.datasync();
      return { outcome: "written", path, text };
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    throw storageError(thrown, `${file.path} could not be written`);
  }
}

function localTime(atMs: number, timeZone: string | undefined): { day: string; time: string } {
  const text = (zone: string): string => new Date(atMs).toLocaleString("sv-SE", { timeZone: zone });
  let local: string;
  try {
    local = text(timeZone ?? "UTC");
  } catch {
    // A zone that this machine does not know: the day is the world's.
    local = text("UTC");
  }
  return { day: local.slice(0, 10), time: local.slice(11, 16) };
}
