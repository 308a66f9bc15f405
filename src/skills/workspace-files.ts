/**
 * The files of a workspace that speak to its agent: which there are, when each is told, and how much of it. What is about
 * the owner alone is told in the owner's own session and nowhere else.
 */
import { constants } from "node:fs";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { cleanText } from "../domain/text.ts";
import { openInside, resolveInside } from "../platform/safe-path.ts";

interface WorkspaceFile {
  readonly name: string;
  /** `always`; `owner`: in the main session alone; `begin`: there, and with the first message of a session. */
  readonly told: "always" | "owner" | "begin" | "never";
}

/** In the order of the prompt. `never`: kept here for people and for other parts of the house. */
export const workspaceFiles: readonly WorkspaceFile[] = [
  { name: "AGENTS.md", told: "always" },
  { name: "SOUL.md", told: "always" },
  { name: "IDENTITY.md", told: "always" },
  { name: "TOOLS.md", told: "always" },
  { name: "USER.md", told: "owner" },
  { name: "BOOT.md", told: "begin" },
  { name: "HEARTBEAT.md", told: "never" },
  { name: "MEMORY.md", told: "never" },
];

export interface WhichTurn {
  readonly isMain: boolean;
  readonly isFirstOfSession: boolean;
}

export function isTold({ told }: WorkspaceFile, { isMain, isFirstOfSession }: WhichTurn): boolean {
  switch (told) {
    case "always":
      return true;
    case "owner":
      return isMain;
    case "begin":
      return isMain && isFirstOfSession;
    case "never":
      return false;
  }
}

/**
 * The text of one of them, whole; null where there is none. Throws SEC_007 where a link leads out of the workspace, MSG_003
 * where it is too large to be read at all, STORE_001 where it cannot be read.
 */
export async function readWorkspaceFile(workspace: string, name: string): Promise<string | null> {
  const file = await resolveInside(workspace, name).catch((error: unknown) => {
    if (error instanceof AppError && error.code === "STORE_001") return null;
    throw error;
  });
  if (file === null) return null;
  let handle;
  try {
    // Without O_NONBLOCK, opening a named pipe waits for a writer for ever.
    handle = await openInside(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new AppError("STORE_001", `${name} is not an ordinary file.`);
    if (found.size > limits.workspaceFileBytes)
      throw new AppError("MSG_003", `${name} is larger than ${limits.workspaceFileBytes} bytes.`);
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

/** As it stands in the prompt: under its name, without control characters, its end left out where it is too long. */
export function workspaceSection(name: string, text: string, maxChars: number): { name: string; text: string } | null {
  const clean = cleanText(text).trim();
  if (clean === "" || maxChars === 0) return null;
  const shown =
    clean.length <= maxChars
      ? clean
      : `${clean.slice(0, maxChars).toWellFormed()}\n[${name} goes on: ${clean.length - maxChars} more characters are not shown]`;
  return { name, text: `# ${name}\n\n${shown}` };
}
