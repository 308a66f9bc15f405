/**
 * The part of a transcript that a turn can use: back to the newest summary and what that keeps, and no further. Read in
 * pages, so that a long session never holds the event loop up.
 */
import { limits } from "../../domain/limits.ts";
import type { SessionStore, TranscriptEntry } from "../../store/session-port.ts";
import { newestCompaction } from "./compaction-entry.ts";

export interface LoadedHistory {
  /** Oldest first, before this message; what a compaction of this very turn wrote behind it is among them. */
  readonly entries: readonly TranscriptEntry[];
  /** Whether this message has its entry already: an earlier attempt of the turn wrote it. */
  readonly knowsInput: boolean;
}

/** The first page is a short read of the main thread; the rest is read in the store's reader thread. */
const firstPage = 100;
const nextPage = 250;

export async function loadHistory(
  sessions: Pick<SessionStore, "transcript">,
  sessionKey: string,
  inputId: string,
): Promise<LoadedHistory> {
  let entries = await sessions.transcript(sessionKey, { limit: firstPage });
  const pages = [entries];
  let count = entries.length;
  while (needsMore(entries, inputId) && count < limits.contextEntries) {
    const beforeSeq = (entries[0] as TranscriptEntry).seq;
    const older = await sessions.transcript(sessionKey, { beforeSeq, limit: nextPage });
    if (older.length === 0) break;
    pages.unshift(older);
    count += older.length;
    // What decides is in the newest pages: to look again at all of them for each page would be quadratic.
    entries = newestCompaction(entries, inputId) === null ? older : pages.flat();
  }
  return behindInput(pages.flat(), inputId);
}

/** Until the first line, or until there is a summary and what it keeps. */
function needsMore(entries: readonly TranscriptEntry[], inputId: string): boolean {
  const [first] = entries;
  if (first === undefined || first.seq === 1) return false;
  const newest = newestCompaction(entries, inputId);
  return newest === null || newest.keptFrom === null;
}

/** A restart finds this message, and perhaps a summary that its first attempt made; other lines behind it are not before it. */
function behindInput(entries: readonly TranscriptEntry[], inputId: string): LoadedHistory {
  const index = entries.findIndex((entry) => entry.id === inputId);
  if (index === -1) return { entries, knowsInput: false };
  const behind = entries.slice(index + 1).filter(({ type }) => type === "compaction" || type === "custom");
  return { entries: [...entries.slice(0, index), ...behind], knowsInput: true };
}
