/**
 * One writer of a file on this machine at a time, where several processes may want to. The lock
 * is an exclusive transaction on an empty database, which the system takes back when the process dies, however it dies.
 */
import { chmod } from "node:fs/promises";
import type { DatabaseSync } from "node:sqlite";
import { AppError } from "../domain/app-error.ts";
import { privateFileMode } from "./atomic-file.ts";
import type { Clock } from "./clock.ts";

const longestWaitMs = 5_000;
const pollMs = 20;

/**
 * Throws CFG_007 where another process keeps the lock for longer than any write takes, or than `waitMs` where the work
 * may take longer.
 */
export async function withWriteLock<T>(
  file: string,
  clock: Clock,
  work: () => Promise<T>,
  waitMs = longestWaitMs,
): Promise<T> {
  const lock = await acquire(`${file}.lock`, clock, waitMs);
  try {
    return await work();
  } finally {
    lock.close();
  }
}

async function acquire(file: string, clock: Clock, waitMs: number): Promise<DatabaseSync> {
  const { DatabaseSync: Database } = await import("node:sqlite");
  const giveUpMs = clock.monotonicMs() + waitMs;
  for (;;) {
    const database = new Database(file, { timeout: 0 });
    try {
      // By name: closing a handle of a locked file would free the lock that another writer of this process holds.
      await chmod(file, privateFileMode);
      database.exec("BEGIN EXCLUSIVE");
      return database;
    } catch (error) {
      database.close();
      if (!isBusy(error)) throw error;
      if (clock.monotonicMs() >= giveUpMs) {
        throw new AppError("CFG_007", `Another process is changing ${file.replace(/\.lock$/, "")}.`, { cause: error });
      }
      await clock.sleep(pollMs);
    }
  }
}

function isBusy(error: unknown): boolean {
  // SQLITE_BUSY and SQLITE_LOCKED.
  return error instanceof Error && "errcode" in error && [5, 6].includes(Number(error.errcode) & 0xff);
}
