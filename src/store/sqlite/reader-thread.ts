/** The thread for reads that take long: searches, sums, whole transcripts. It answers in order, one read at a time. */
import { parentPort, workerData } from "node:worker_threads";
import { Database } from "./database.ts";
import { storeFailure } from "./failure.ts";
import type { Answer, Call } from "./group-commit.ts";
import { runQuery } from "./queries/table.ts";
import type { ThreadMessage, ThreadOptions } from "./thread-link.ts";

// A report of a crash has a part for each thread, and each would list the environment with its keys.
if (process.report !== undefined) process.report.excludeEnv = true;
serve(workerData as ThreadOptions);

function serve({ file }: ThreadOptions): void {
  const port = parentPort;
  if (port === null) return;
  const post = (message: ThreadMessage): void => port.postMessage(message);
  let db: Database;
  try {
    db = new Database(file, { readOnly: true, cacheKiB: 16_384, busyTimeoutMs: 5_000 });
  } catch (thrown) {
    post({ kind: "failed", error: storeFailure(thrown, file).toJSON() });
    port.close();
    return;
  }
  post({ kind: "ready" });
  port.on("message", (calls: readonly Call[] | "close") => {
    if (calls === "close") {
      db.close();
      post({ kind: "closed" });
      port.close();
      return;
    }
    post({ kind: "answers", answers: calls.map((call) => answer(db, call)) });
  });
}

function answer(db: Database, call: Call): Answer {
  try {
    return { id: call.id, value: runQuery(db, call.name, call.args) };
  } catch (thrown) {
    return { id: call.id, error: storeFailure(thrown, db.file).toJSON() };
  }
}
