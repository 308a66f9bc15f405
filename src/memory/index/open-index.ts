/**
 * Opens an index file. Owns its tables and what is done with a file that is broken, older or newer: it is thrown away, since
 * everything in it can be made again from the files of the memory.
 */
import { rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ensurePrivateDir } from "../../platform/atomic-file.ts";

export const indexVersion = 1;

export interface OpenedIndex {
  readonly db: DatabaseSync;
  /** Why vectors cannot be compared here; null where they can. */
  readonly withoutVectors: string | null;
}

export interface OpenOptions {
  /** Where SQLite's extension lies that compares vectors. Throws where there is none for this machine. */
  readonly extension: () => Promise<string>;
  readonly onThrownAway: (reason: string) => void;
}

/** Throws what SQLite throws where the place itself cannot be written. */
export async function openIndex(file: string, options: OpenOptions): Promise<OpenedIndex> {
  await ensurePrivateDir(dirname(file), { tighten: true });
  if ((await stat(file).catch(() => null))?.isDirectory() === true) {
    options.onThrownAway("A folder stands in its place.");
    await removeIndex(file);
  }
  try {
    return await openOnce(file, options);
  } catch (thrown) {
    if (!isUnusable(thrown)) throw thrown;
    options.onThrownAway(thrown instanceof Error ? thrown.message : String(thrown));
    await removeIndex(file);
    return openOnce(file, options);
  }
}

export async function removeIndex(file: string): Promise<void> {
  for (const ending of ["", "-wal", "-shm", "-journal"]) await rm(`${file}${ending}`, { force: true, recursive: true });
}

/** Whether an error says that the file itself is of no use: not a database, damaged, or of another version. */
export function isUnusable(thrown: unknown): boolean {
  if (thrown instanceof OtherVersion) return true;
  if (!(thrown instanceof Error) || !("errcode" in thrown)) return false;
  const primary = Number(thrown.errcode) & 0xff;
  return primary === sqliteCorrupt || primary === sqliteNotADatabase || /malformed|no such table/.test(thrown.message);
}

const sqliteCorrupt = 11;
const sqliteNotADatabase = 26;
const sqliteFull = 13;

export function isFull(thrown: unknown): boolean {
  return thrown instanceof Error && "errcode" in thrown && (Number(thrown.errcode) & 0xff) === sqliteFull;
}

class OtherVersion extends Error {}

async function openOnce(file: string, { extension }: OpenOptions): Promise<OpenedIndex> {
  const db = new DatabaseSync(file, {
    allowExtension: true,
    timeout: 5_000,
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: false,
  });
  try {
    db.exec(settings);
    const version = Number(db.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
    if (version !== 0 && version !== indexVersion) {
      // oxlint-disable-next-line house/throw-app-error -- caught a few lines above, by its class.
      throw new OtherVersion(`The index is of version ${version}, and this is ${indexVersion}.`);
    }
    if (version === 0) db.exec(tables);
    const withoutVectors = await loadExtension(db, extension);
    return { db, withoutVectors };
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

async function loadExtension(db: DatabaseSync, extension: () => Promise<string>): Promise<string | null> {
  try {
    db.loadExtension(await extension());
    // Nothing that comes later may load another one.
    db.enableLoadExtension(false);
    return null;
  } catch (thrown) {
    return `This machine cannot compare vectors: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  }
}

/** `secure_delete`: what is forgotten is overwritten, not only unlinked. */
const settings = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA secure_delete = ON;
  PRAGMA cache_size = -16384;
  PRAGMA mmap_size = 268435456;
  PRAGMA temp_store = MEMORY;
`;

/**
 * `words` stands over `chunks`: its text is `spaced` where a script has no spaces between words. `vectors` holds every
 * vector whole, `codes` its signs and a factor, small enough to be kept in memory; both by the hash of a text.
 */
const tables = `
  BEGIN;
  CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE files (
    path TEXT PRIMARY KEY, mtime REAL NOT NULL, size INTEGER NOT NULL, hash TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE chunks (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL, start_line INTEGER NOT NULL, end_line INTEGER NOT NULL,
    audience INTEGER NOT NULL, hash TEXT NOT NULL, foreign_source TEXT, spaced TEXT, text TEXT NOT NULL
  );
  CREATE INDEX chunks_by_path ON chunks (path, start_line);
  CREATE INDEX chunks_by_hash ON chunks (hash);
  CREATE VIEW searched (id, text) AS SELECT id, coalesce(spaced, text) FROM chunks;
  CREATE VIRTUAL TABLE words USING fts5 (
    text, content = 'searched', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
  );
  INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
  CREATE VIRTUAL TABLE terms USING fts5vocab ('words', 'row');
  CREATE TABLE spaces (
    id INTEGER PRIMARY KEY, provider TEXT NOT NULL, model TEXT NOT NULL, dimensions INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'building'))
  );
  CREATE TABLE codes (
    id INTEGER PRIMARY KEY, space INTEGER NOT NULL, hash TEXT NOT NULL, audience INTEGER NOT NULL,
    orphaned_ms INTEGER, factor REAL NOT NULL, code BLOB NOT NULL
  );
  CREATE UNIQUE INDEX codes_by_hash ON codes (space, hash);
  CREATE TABLE vectors (id INTEGER PRIMARY KEY, vector BLOB NOT NULL);
  PRAGMA user_version = ${indexVersion};
  COMMIT;
`;
