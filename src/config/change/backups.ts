/** Copies of the configuration file from before each change: the newest five, for their owner alone. */
import { copyFile, rename, rm } from "node:fs/promises";
import { limits } from "../../domain/limits.ts";
import { isErrno, writeFileAtomic } from "../../platform/atomic-file.ts";

/** 1 is the newest. */
export function backupFile(file: string, number: number): string {
  return `${file}.bak.${number}`;
}

/**
 * Keeps `text` as the newest backup. The new one is written before an old one goes: a full disk costs no backup.
 * Throws STORE_001 or STORE_002.
 */
export async function keepBackup(file: string, text: string): Promise<void> {
  const incoming = `${file}.bak.new`;
  try {
    await writeFileAtomic(incoming, text);
    for (let number = limits.configBackups - 1; number >= 1; number -= 1) {
      await moveIfThere(backupFile(file, number), backupFile(file, number + 1));
    }
    await rename(incoming, backupFile(file, 1));
  } catch (error) {
    await rm(incoming, { force: true });
    throw error;
  }
}

/** The file as it was before its form was made newer; one per old text, and never rotated away. */
export async function keepBeforeMigration(file: string, text: string, hash: string): Promise<void> {
  await writeFileAtomic(`${file}.before-migration-${hash.slice(0, 12)}`, text);
}

async function moveIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    // A first change has no backups yet. Where the system will not rename over a file, copying does.
    if (isErrno(error, "ENOENT")) return;
    if (!isErrno(error, "EEXIST", "EPERM")) throw error;
    await copyFile(from, to);
  }
}
