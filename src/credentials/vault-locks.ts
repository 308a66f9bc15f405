/**
 * One at a time: who changes a secret, over all processes of this machine, and who writes the vault's file. Within one
 * process they wait in line; between processes the system's lock decides, which dies with its holder. An entry's lock
 * may be held while a service is asked; the file's is held for a write. Whoever needs both takes the entry's first.
 */
import { createHash } from "node:crypto";
import path from "node:path";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { ensurePrivateDir } from "../platform/atomic-file.ts";
import type { Clock } from "../platform/clock.ts";
import { withWriteLock } from "../platform/write-lock.ts";

/** Both throw STORE_001 where another process holds it for too long. Neither may be asked for what one holds already. */
export interface VaultLocks {
  holdEntry<T>(scope: string, name: string, work: () => Promise<T>): Promise<T>;
  holdFile<T>(file: string, work: () => Promise<T>): Promise<T>;
}

export function createVaultLocks(folder: string, clock: Clock): VaultLocks {
  const locks = path.join(folder, "locks");
  const lines = new Map<string, Promise<unknown>>();

  async function hold<T>(file: string, waitMs: number, work: () => Promise<T>): Promise<T> {
    const before = lines.get(file) ?? Promise.resolve();
    const mine = before.then(async () => {
      for (const one of new Set([folder, path.dirname(file)])) await ensurePrivateDir(one, { tighten: true });
      return withLock({ file, clock, waitMs }, work);
    });
    const settled = mine.catch(() => "whoever asked hears of it");
    lines.set(file, settled);
    try {
      return await mine;
    } finally {
      if (lines.get(file) === settled) lines.delete(file);
    }
  }

  return {
    holdEntry(scope, name, work) {
      // A name of its own for each entry, whatever characters the scope has.
      const key = createHash("sha256")
        .update(JSON.stringify([scope, name]))
        .digest("hex")
        .slice(0, 32);
      return hold(path.join(locks, key), limits.secretLockWaitMs, work);
    },
    holdFile: (file, work) => hold(file, limits.vaultLockWaitMs, work),
  };
}

/** The write lock in the vault's words. */
async function withLock<T>(
  { file, clock, waitMs }: { file: string; clock: Clock; waitMs: number },
  work: () => Promise<T>,
): Promise<T> {
  let isOurs = false;
  const held = (): Promise<T> => {
    isOurs = true;
    return work();
  };
  try {
    return await withWriteLock(file, clock, held, waitMs);
  } catch (error) {
    if (isOurs || !(error instanceof AppError) || error.code !== "CFG_007") throw error;
    throw new AppError("STORE_001", "Another process is changing the vault.", { cause: error });
  }
}
