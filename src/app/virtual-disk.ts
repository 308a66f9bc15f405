/** The disk of a simulation: a database in memory that is emptied between two runs instead of being made anew. */
import { Database } from "../store/sqlite/database.ts";
import { migrate } from "../store/sqlite/migrate.ts";
import { migrations } from "../store/sqlite/migrations/list.ts";

export interface VirtualDisk {
  readonly database: Database;
  /** As it was when it was made. */
  empty(): void;
}

export function createVirtualDisk(): VirtualDisk {
  const database = new Database(":memory:", { readOnly: false, cacheKiB: 4_096, busyTimeoutMs: 0 });
  migrate(database, migrations);
  const tables = tablesOf(database);
  // What the migrations themselves wrote belongs to an empty store.
  const first = tables.map((name) => ({ name, rows: database.all<Record<string, Value>>(`SELECT * FROM "${name}"`) }));
  return {
    database,
    empty() {
      database.exec(`PRAGMA foreign_keys = OFF; ${tables.map((name) => `DELETE FROM "${name}"`).join("; ")}`);
      if (hasSequences(database)) database.run("DELETE FROM sqlite_sequence");
      for (const { name, rows } of first) for (const row of rows) insert(database, name, row);
      database.exec("PRAGMA foreign_keys = ON");
    },
  };
}

export function tablesOf(database: Database): readonly string[] {
  return database
    .all<{ name: string }>(
      `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`,
    )
    .map(({ name }) => name);
}

type Value = string | number | bigint | Uint8Array | null;

function hasSequences(database: Database): boolean {
  return database.get(`SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'`) !== undefined;
}

function insert(database: Database, table: string, row: Readonly<Record<string, Value>>): void {
  const names = Object.keys(row);
  database.run(
    `INSERT INTO "${table}" (${names.map((name) => `"${name}"`).join(", ")}) VALUES (${names.map(() => "?").join(", ")})`,
    ...Object.values(row),
  );
}
