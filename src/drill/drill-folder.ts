/**
 * The mark of a state directory that a drill made: only in such a one does a gateway hurt itself on demand. A variable
 * that was left behind in a shell must never end the gateway of a person.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { isErrno } from "../platform/atomic-file.ts";

const markName = "drill.json";
const markText = `${JSON.stringify({ madeBy: "openclaw drill" })}\n`;

export async function markDrillFolder(stateDir: string): Promise<void> {
  await writeFile(path.join(stateDir, markName), markText, { mode: 0o600 });
}

export async function isDrillFolder(stateDir: string): Promise<boolean> {
  try {
    return (await readFile(path.join(stateDir, markName), "utf8")) === markText;
  } catch (error) {
    // Where it cannot be read it does not count: the safe side is the gateway of a person.
    if (isErrno(error, "ENOENT", "EACCES", "ENOTDIR")) return false;
    throw error;
  }
}
