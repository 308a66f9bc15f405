/**
 * One SQLite connection with its statements kept compiled. Opens, configures and closes; knows nothing of tables.
 * Used by the writer thread, the reader thread and, read-only, by the main thread.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

export interface DatabaseOptions {
  readonly readOnly: boolean;
  /** Page cache of this connection. It grows with use and is the main part of what a connection costs in memory. */
  readonly cacheKiB: number;
  /** How long a statement waits for a lock. On the main thread that is time in which nothing else runs. */
  readonly busyTimeoutMs: number;
}

export class Database {
  readonly file: string;
  readonly #connection: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #afterCommit: (() => void)[] = [];
  readonly #afterRollback: (() => void)[] = [];

  constructor(file: string, options: DatabaseOptions) {
    this.file = file;
    this.#connection = new DatabaseSync(file, {
      readOnly: options.readOnly,
      timeout: options.busyTimeoutMs,
      enableForeignKeyConstraints: true,
      enableDoubleQuotedStringLiterals: false,
    });
    try {
      this.exec(`PRAGMA cache_size = -${options.cacheKiB}`);
    } catch (thrown) {
      this.close();
      throw thrown;
    }
  }

  /** False after SQLite itself has rolled back, which it does when the disk is full. */
  get inTransaction(): boolean {
    return this.#connection.isTransaction;
  }

  exec(sql: string): void {
    this.#connection.exec(sql);
  }

  /** Runs a statement and returns how many rows it changed. */
  run(sql: string, ...parameters: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...parameters).changes);
  }

  /** Runs an INSERT and returns its row id. */
  insert(sql: string, ...parameters: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...parameters).lastInsertRowid);
  }

  /** The caller names the shape that its own SELECT list has. */
  get<Row>(sql: string, ...parameters: SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...parameters) as Row | undefined;
  }

  all<Row>(sql: string, ...parameters: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...parameters) as Row[];
  }

  /** Something that can only be done outside the transaction under way, before anybody is told of its success. */
  afterCommit(action: () => void): void {
    this.#afterCommit.push(action);
  }

  /** What `afterCommit` gathered since it was last asked. */
  takeAfterCommit(): (() => void)[] {
    return this.#afterCommit.splice(0);
  }

  /** Something that is kept although the call that asks for it fails: a count of such calls. */
  afterRollback(action: () => void): void {
    this.#afterRollback.push(action);
  }

  /** What `afterRollback` gathered since it was last asked. */
  takeAfterRollback(): (() => void)[] {
    return this.#afterRollback.splice(0);
  }

  /** Idempotent. */
  close(): void {
    this.#statements.clear();
    if (this.#connection.isOpen) this.#connection.close();
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#connection.prepare(sql);
    // Every SQL text is a constant of this folder or has a bounded number of forms, so the map stays small.
    this.#statements.set(sql, statement);
    return statement;
  }
}
