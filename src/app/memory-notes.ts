/**
 * An agent's notes as files: `<workspace>/memory/YYYY-MM-DD.md`, plain Markdown that a person can read, edit and keep in
 * git. Only ever appended to. Each piece stands under a head that names its session and whether that is a group, so that
 * whoever reads the notes for a group can leave out what was said in private.
 */
import { constants } from "node:fs";
import type { MemoryNote, MemoryNotes } from "../agent/context/contract.ts";
import type { Config } from "../config/schema/root.ts";
import { workspaceOf } from "../config/workspace.ts";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { utf8Bytes } from "../domain/text.ts";
import { ensurePrivateDir, privateFileMode, storageError } from "../platform/atomic-file.ts";
import { openInside, resolveInside } from "../platform/safe-path.ts";

const folder = "memory";

export function createMemoryNotes(config: () => Config): MemoryNotes {
  return { append: (note) => append(note, config()) };
}

async function append(note: MemoryNote, { agents }: Config): Promise<"written" | "full"> {
  const workspace = workspaceOf({ agents }, note.agentId);
  const { day, time } = localTime(note.atMs, agents.defaults.userTimezone);
  await ensurePrivateDir(workspace);
  // Looked at before it is made: a link that stands there already must not lead the folder elsewhere.
  await ensurePrivateDir((await resolveInside(workspace, folder)).path);
  const file = await resolveInside(workspace, `${folder}/${day}.md`);
  const text = `\n## ${time} ${headOf(note)}\n\n${plain(note.markdown)}\n`;
  try {
    // One write to the end: two turns at the same time do not write into each other.
    const handle = await openInside(file, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, privateFileMode);
    try {
      const found = await handle.stat();
      if (!found.isFile()) throw new AppError("STORE_001", `${file.path} is not an ordinary file.`);
      if (found.size + utf8Bytes(text) > limits.memoryDayBytes) return "full";
      await handle.write(text);
      await handle.datasync();
      return "written";
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    throw storageError(thrown, `${file.path} could not be written`);
  }
}

function headOf({ sessionKey, agentId, isGroup }: MemoryNote): string {
  return `${isGroup ? "group" : "private"} ${agentId} ${sessionKey.replaceAll(/\s+/g, " ")}`;
}

/** Heads are ours: what a model wrote cannot pass for another session's. */
function plain(markdown: string): string {
  return markdown.replaceAll(/^(\s*)(#+\s)/gm, String.raw`$1\$2`).replaceAll(/^(\s*)(=+|-+)\s*$/gm, String.raw`$1\$2`);
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
