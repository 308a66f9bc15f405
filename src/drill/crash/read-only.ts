/** Takes the right to write away from a folder, from a superuser too where the system lets us mount it over itself. */
import { execFile } from "node:child_process";
import { chmod } from "node:fs/promises";
import process from "node:process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Returns the way back; null where it cannot be done here. */
export async function makeReadOnly(folder: string): Promise<(() => Promise<void>) | null> {
  if (process.getuid?.() !== 0) {
    await chmod(folder, 0o500);
    return () => chmod(folder, 0o700);
  }
  try {
    await run("mount", ["--bind", folder, folder]);
  } catch {
    // No right to mount, as in most containers: this kind of trouble is left out, and the report says how often.
    return null;
  }
  await run("mount", ["-o", "remount,bind,ro", folder]);
  return async () => void (await run("umount", ["-l", folder]));
}
