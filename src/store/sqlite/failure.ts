/**
 * What went wrong in SQLite or below it, as an AppError: a full disk is STORE_002, everything else of the medium
 * STORE_001. A value that no column takes is no fault of the medium, and no retry mends it: SYS_001.
 */
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { AppError } from "../../domain/app-error.ts";

const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;
/** ERROR (bad SQL), TOOBIG, CONSTRAINT, MISMATCH, MISUSE, RANGE. */
const callerMistakes = new Set([1, 18, 19, 20, 21, 25]);
const diskFullErrnos = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/**
 * AppErrors pass unchanged. `file` is named in the details, for the log: a caller is told the message alone, and where
 * our files lie is none of its business.
 */
export function storeFailure(thrown: unknown, file: string): AppError {
  if (thrown instanceof AppError) return thrown;
  const sqliteCode = numberOf(thrown, "errcode");
  const errno = textOf(thrown, "code");
  const details = { path: file, sqliteCode, ...(errno === null ? {} : { errno }) };
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  if (isFull(sqliteCode, errno, file)) {
    return new AppError("STORE_002", "The disk that holds the store is full.", { cause: thrown, details });
  }
  if (isMistake(sqliteCode, errno)) {
    return new AppError("SYS_001", `The store was given what it cannot hold: ${reason}.`, { cause: thrown, details });
  }
  return new AppError("STORE_001", `The store failed: ${reason}.`, { cause: thrown, details });
}

function isFull(sqliteCode: number | null, errno: string | null, file: string): boolean {
  if (sqliteCode === SQLITE_FULL) return true;
  if (errno !== null && diskFullErrnos.has(errno)) return true;
  // Where the shared-memory file cannot grow, SQLite speaks of an I/O error: the disk itself knows better.
  return sqliteCode !== null && (sqliteCode & 0xff) === SQLITE_IOERR && freeBlocks(file) === 0;
}

/** Of SQLite by its code; of Node by an argument that cannot be bound. A closed connection is not among them. */
function isMistake(sqliteCode: number | null, errno: string | null): boolean {
  if (sqliteCode !== null) return callerMistakes.has(sqliteCode & 0xff);
  return errno === null || errno === "ERR_INVALID_ARG_TYPE" || errno === "ERR_INVALID_ARG_VALUE";
}

function freeBlocks(file: string): number | null {
  try {
    // oxlint-disable-next-line house/no-sync-io -- one call on the way to an error, in the thread that has just failed
    return statfsSync(dirname(file)).bavail;
  } catch {
    // The folder itself is gone or unreadable: then it is not the space that is missing.
    return null;
  }
}

function numberOf(thrown: unknown, key: string): number | null {
  const value = typeof thrown === "object" && thrown !== null ? Reflect.get(thrown, key) : null;
  return typeof value === "number" ? value : null;
}

function textOf(thrown: unknown, key: string): string | null {
  const value = typeof thrown === "object" && thrown !== null ? Reflect.get(thrown, key) : null;
  return typeof value === "string" ? value : null;
}
