/**
 * Makes what was deleted unreadable in the files. secure_delete (on in the writer) overwrites the deleted cells; what
 * is left is the log file, which still holds older pages, and copies that page splits leave behind in unused bytes.
 */
import { AppError } from "../../../domain/app-error.ts";
import type { Database } from "../database.ts";

/** Up to this size the file is rebuilt at once (about 0.2 s); a larger one at the next `compact`. */
const rebuildPages = 16_384;

/** Outside any transaction. */
export function erase(db: Database): void {
  const pages = db.get<{ page_count: number }>("PRAGMA page_count")?.page_count ?? 0;
  if (pages <= rebuildPages) db.exec("VACUUM");
  truncateLog(db);
}

/** Rebuilds the file whatever its size. Outside any transaction. */
export function rebuild(db: Database): void {
  db.exec("VACUUM");
  truncateLog(db);
}

/** Moves every page to the main file and empties the log. A reader that is still in an old page makes it wait (busy_timeout). */
function truncateLog(db: Database): void {
  const outcome = db.get<{ busy: number }>("PRAGMA wal_checkpoint(TRUNCATE)");
  if (outcome?.busy === 0) return;
  throw new AppError("STORE_001", `A long read kept old pages of ${db.file} in its log; they go with the next one.`, {
    details: { path: db.file },
  });
}
