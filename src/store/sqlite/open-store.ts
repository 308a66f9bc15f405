/**
 * Opens the SQLite store: one thread that writes, one connection here for small reads, one thread for heavy reads that
 * starts with the first of them. Resolves when the store is migrated and can be written.
 */
import { AppError } from "../../domain/app-error.ts";
import type { Log } from "../../platform/log.ts";
import type { Store } from "../port.ts";
import { Access, nearRead } from "./access.ts";
import { storeOver } from "./areas/whole.ts";
import { Database } from "./database.ts";
import { storeFailure } from "./failure.ts";
import { ThreadLink } from "./thread-link.ts";
import { workerUrl } from "../../platform/worker-url.ts";

export interface SqliteStoreOptions {
  /** The database file; its folder is made where it is missing. Two log files stand beside it while it is open. */
  readonly file: string;
  readonly log: Log;
}

export interface SqliteStore extends Store {
  /** Ends the writer's thread as a crash would. For tests of what follows. */
  crashWriter(): Promise<void>;
}

/** Throws STORE_001 or STORE_002 where it cannot be opened, STORE_004 for a file of a newer version. */
export async function openSqliteStore({ file, log }: SqliteStoreOptions): Promise<SqliteStore> {
  const writer = new ThreadLink(workerUrl(import.meta.url, "./writer-thread.ts", "store-writer.js"), { file }, log);
  const reader = new ThreadLink(workerUrl(import.meta.url, "./reader-thread.ts", "store-reader.js"), { file }, log);
  await writer.start().catch((thrown: unknown) => {
    throw namingFile(thrown, file);
  });
  const near = await openNear(file, writer);
  const close = async (): Promise<void> => {
    near.close();
    await reader.close();
    // Last: the last connection that may write moves the log into the file and removes it.
    await writer.close();
  };
  return { ...storeOver(new Access(writer, reader, nearRead(near)), close), crashWriter: () => writer.kill() };
}

/** Whoever starts a gateway has to know which file it is about; a caller of a running one has not. */
function namingFile(thrown: unknown, file: string): AppError {
  const error = AppError.from(thrown, "STORE_001");
  if (error.message.includes(file)) return error;
  const { code, message, details } = error;
  return new AppError(code, `${message} Its file is ${file}.`, { cause: thrown, details });
}

/** A short lock wait: this thread serves everybody. */
async function openNear(file: string, writer: ThreadLink): Promise<Database> {
  try {
    return new Database(file, { readOnly: true, cacheKiB: 4_096, busyTimeoutMs: 100 });
  } catch (thrown) {
    await writer.close();
    throw namingFile(storeFailure(thrown, file), file);
  }
}
