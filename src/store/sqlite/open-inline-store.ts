/**
 * The same store in this very process, for simulations: the same commands and queries over one database that outlives
 * its openings, as a disk outlives a process. When a write becomes durable, which write fails and when the process dies
 * is the caller's to say; there is no thread, no clock and no chance here, so that the same story is told twice.
 */
import { AppError } from "../../domain/app-error.ts";
import type { Store } from "../port.ts";
import { Access, nearRead, type CallLink, type NearRead } from "./access.ts";
import { storeOver } from "./areas/whole.ts";
import type { CommandName } from "./commands/table.ts";
import type { Database } from "./database.ts";
import { commitGroup } from "./group-commit.ts";
import { migrate } from "./migrate.ts";
import { migrations } from "./migrations/list.ts";
import { runQuery } from "./queries/table.ts";

export interface InlineStoreOptions {
  /** Opened for writing, shared by one opening after another; closed by whoever opened it. */
  readonly database: Database;
  /** How long the disk takes for a write. Writes wait side by side and become durable in the order of their making. */
  readonly delay: () => Promise<void>;
  /** Aborted: the process is dead. Nothing more is applied, and no promise of this store ever settles. */
  readonly signal: AbortSignal;
  /** What the medium says to a write instead of taking it; null where it takes it. */
  readonly fault?: (name: CommandName) => AppError | null;
}

/** Brings the database to the newest schema where it is not. */
export function openInlineStore(options: InlineStoreOptions): Store {
  migrate(options.database, migrations);
  const life = new Life(options.signal);
  const writer = new InlineWriter(options, life);
  const near = mortalRead(nearRead(options.database), life);
  const reader: CallLink = { call: (name, args) => near((db) => runQuery(db, name, args)) };
  return storeOver(new Access(writer, reader, near), () => writer.close());
}

/** Whether there is still somebody who could be told. */
class Life {
  readonly #signal: AbortSignal;
  #closed = false;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  get dead(): boolean {
    return this.#signal.aborted;
  }

  /** Closed in good order: what is asked from now on is refused. */
  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
  }

  /** What the promise says, as long as the process lives to hear it. */
  heard<Value>(promise: Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => {
          if (!this.dead) resolve(value);
        },
        (thrown: unknown) => {
          if (!this.dead) reject(AppError.from(thrown));
        },
      );
    });
  }
}

class InlineWriter implements CallLink {
  readonly #options: InlineStoreOptions;
  readonly #life: Life;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: InlineStoreOptions, life: Life) {
    this.#options = options;
    this.#life = life;
  }

  call(name: string, args: unknown): Promise<unknown> {
    if (this.#life.closed) return this.#life.heard(Promise.reject(closedError(this.#options.database)));
    // Copied at once, as on the way to a thread: what the caller does to it afterwards changes nothing.
    const sent = structuredClone(args);
    const written = Promise.all([this.#options.delay(), this.#last]).then(() => this.#apply(name, sent));
    this.#last = written.catch(() => null);
    return this.#life.heard(written);
  }

  close(): Promise<void> {
    this.#life.close();
    return this.#life.heard(this.#last.then(() => undefined));
  }

  #apply(name: string, args: unknown): unknown {
    const { database, fault } = this.#options;
    if (this.#life.dead) return null;
    const refused = fault?.(name as CommandName) ?? null;
    if (refused !== null) throw refused;
    const [answer] = commitGroup(database, [{ id: 0, name, args }]);
    if (answer?.error !== undefined) throw AppError.fromJSON(answer.error);
    return answer?.value;
  }
}

function mortalRead(read: NearRead, life: Life): NearRead {
  return (query) =>
    life.heard(
      read((db) => {
        if (life.closed) throw closedError(db);
        return query(db);
      }),
    );
}

function closedError(db: Database): AppError {
  return new AppError("STORE_001", "The store is closed.", { details: { path: db.file } });
}
