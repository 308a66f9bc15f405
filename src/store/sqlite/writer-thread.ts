/**
 * The one thread that writes. It opens and migrates the store, says so, and then commits whatever calls have gathered
 * while it was busy with the last group. The main thread never waits for a disk.
 */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { Database } from "./database.ts";
import { storeFailure } from "./failure.ts";
import { commitGroup, type Call } from "./group-commit.ts";
import { migrate } from "./migrate.ts";
import { migrations } from "./migrations/list.ts";
import type { ThreadMessage, ThreadOptions } from "./thread-link.ts";

/** Calls of one transaction: bounds how long the first of them waits for the last. */
const groupCalls = 512;

/** Log pages (4 KiB each) at which they are moved to the main file, when nobody waits. */
const checkpointPages = 2_000;

// A report of a crash has a part for each thread, and each would list the environment with its keys.
if (process.report !== undefined) process.report.excludeEnv = true;
serve(workerData as ThreadOptions);

function serve({ file }: ThreadOptions): void {
  const port = parentPort;
  if (port === null) return;
  const post = (message: ThreadMessage): void => port.postMessage(message);
  let db: Database;
  try {
    db = openForWriting(file);
  } catch (thrown) {
    post({ kind: "failed", error: storeFailure(thrown, file).toJSON() });
    port.close();
    return;
  }
  post({ kind: "ready" });
  const moveLog = createLogMover(db, post);
  port.on("message", (first: readonly Call[] | "close") => {
    let calls = first;
    for (;;) {
      if (calls === "close") {
        db.close();
        post({ kind: "closed" });
        port.close();
        return;
      }
      const waiting = [...calls];
      let after: readonly Call[] | "close" | undefined;
      while (waiting.length < groupCalls) {
        after = receiveMessageOnPort(port)?.message as readonly Call[] | "close" | undefined;
        if (after === undefined || after === "close") break;
        waiting.push(...after);
        after = undefined;
      }
      post({ kind: "answers", answers: commitGroup(db, waiting) });
      if (after === undefined) break;
      calls = after;
    }
    moveLog();
  });
}

function openForWriting(file: string): Database {
  /* oxlint-disable house/no-sync-io -- this thread has nothing else to do, and nobody else waits */
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // Made here, so that the file and, after its example, SQLite's log files are for their owner alone.
  closeSync(openSync(file, "a", 0o600));
  /* oxlint-enable house/no-sync-io -- end of the files' making */
  const db = new Database(file, { readOnly: false, cacheKiB: 16_384, busyTimeoutMs: 5_000 });
  try {
    // FULL: a commit returns after the log is on the disk. Deleted content is overwritten. Checkpoints are made by
    // the log mover, between the groups instead of within one.
    db.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
       PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = ${64 * 1024 * 1024}`,
    );
    migrate(db, migrations);
    return db;
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

/** Moves committed pages from the log to the main file, between two groups, once there are enough of them. */
function createLogMover(db: Database, post: (message: ThreadMessage) => void): () => void {
  let enoughPages = checkpointPages;
  const waitingPages = (mode: "NOOP" | "PASSIVE"): number => {
    const row = db.get<{ log: number; checkpointed: number }>(`PRAGMA wal_checkpoint(${mode})`);
    return row === undefined ? 0 : row.log - row.checkpointed;
  };
  return () => {
    const waiting = waitingPages("NOOP");
    if (waiting < enoughPages) return;
    try {
      // What a long read or a full disk kept back is tried again when the log has grown by as much once more.
      enoughPages = waitingPages("PASSIVE") + checkpointPages;
    } catch (thrown) {
      enoughPages = waiting + checkpointPages;
      // Nothing is lost: the log holds the pages until a later attempt succeeds.
      post({ kind: "warning", error: storeFailure(thrown, db.file).toJSON() });
    }
  };
}
