/**
 * Brings a store file to the newest schema, or refuses it. All steps run in one transaction, so that a kill at any
 * moment leaves the old schema or the new one; an existing store is copied first.
 */
import { chmodSync, closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { AppError } from "../../domain/app-error.ts";
import type { Database } from "./database.ts";

export interface Migration {
  /** 1, 2, 3 … without a gap. */
  readonly version: number;
  readonly sql: string;
}

/** "OCst": tells our files from any other SQLite database. */
export const applicationId = 0x4f437374;

export interface MigrationOutcome {
  readonly from: number;
  readonly to: number;
  /** Path of the copy that was made, if one was. */
  readonly backup: string | null;
}

/** Throws STORE_004 for a file of a newer version, STORE_001 for a database that is not ours. Leaves both untouched. */
export function migrate(db: Database, migrations: readonly Migration[]): MigrationOutcome {
  const newest = migrations.at(-1)?.version ?? 0;
  const from = judge(db, newest);
  if (from === newest) return { from, to: newest, backup: null };
  const backup = from === 0 ? null : copyAside(db, from);
  db.exec("BEGIN EXCLUSIVE");
  try {
    for (const migration of migrations) {
      if (migration.version > from) db.exec(migration.sql);
    }
    db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${newest}`);
    db.exec("COMMIT");
  } catch (thrown) {
    if (db.inTransaction) db.exec("ROLLBACK");
    throw thrown;
  }
  return { from, to: newest, backup };
}

/** The schema version of the file, where it is one that we may touch. */
function judge(db: Database, newest: number): number {
  const version = db.get<{ user_version: number }>("PRAGMA user_version")?.user_version ?? 0;
  const application = db.get<{ application_id: number }>("PRAGMA application_id")?.application_id ?? 0;
  const tables = db.get<{ n: number }>("SELECT count(*) AS n FROM sqlite_schema")?.n ?? 0;
  const details = { path: db.file, version, newest };
  if (application !== applicationId && (application !== 0 || version !== 0 || tables > 0)) {
    throw new AppError("STORE_001", `${db.file} is a database of another program.`, { details, retry: "never" });
  }
  if (version > newest) {
    throw new AppError("STORE_004", `${db.file} has schema ${version}; this version knows ${newest}.`, { details });
  }
  return version;
}

/** A complete copy beside the store, under its final name only when every byte of it is on the disk. */
function copyAside(db: Database, from: number): string {
  const backup = `${db.file}.schema-${from}.backup`;
  const unfinished = `${backup}.unfinished`;
  /* oxlint-disable house/no-sync-io -- in the writer thread, before the store is open: nobody waits for anything else */
  rmSync(unfinished, { force: true });
  db.run("VACUUM INTO ?", unfinished);
  chmodSync(unfinished, 0o600);
  const handle = openSync(unfinished, "r+");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(unfinished, backup);
  /* oxlint-enable house/no-sync-io -- end of the copy */
  return backup;
}
