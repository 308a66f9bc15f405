/** How the areas of the store reach their data: commands to the writer, small reads here, heavy reads to the reader. */
import type { CommandArgs, CommandName, CommandResult } from "./commands/table.ts";
import type { Database } from "./database.ts";
import { storeFailure } from "./failure.ts";
import type { QueryArgs, QueryName, QueryResult } from "./queries/table.ts";

/** Whoever carries out calls by their name, in the order in which they were made: a thread, or this very process. */
export interface CallLink {
  call(name: string, args: unknown): Promise<unknown>;
}

/** A read by key, on this thread. */
export type NearRead = <Result>(read: (db: Database) => Result) => Promise<Result>;

/** Reads on one connection of this thread. What they throw becomes a rejection, as an AppError. */
export function nearRead(db: Database): NearRead {
  // oxlint-disable-next-line require-await -- what it throws must become a rejection
  return async (read) => {
    try {
      return read(db);
    } catch (thrown) {
      throw storeFailure(thrown, db.file);
    }
  };
}

export class Access {
  readonly #writer: CallLink;
  readonly #reader: CallLink;
  /** Keep it below 100 µs. */
  readonly near: NearRead;

  constructor(writer: CallLink, reader: CallLink, near: NearRead) {
    this.#writer = writer;
    this.#reader = reader;
    this.near = near;
  }

  /** Resolves when the change is durable. */
  async write<Name extends CommandName>(name: Name, args: CommandArgs<Name>): Promise<CommandResult<Name>> {
    return (await this.#writer.call(name, args)) as CommandResult<Name>;
  }

  /** A read that may take long; never blocks this thread. */
  async far<Name extends QueryName>(name: Name, args: QueryArgs<Name>): Promise<QueryResult<Name>> {
    return (await this.#reader.call(name, args)) as QueryResult<Name>;
  }
}
