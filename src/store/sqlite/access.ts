/** How the areas of the store reach their data: commands to the writer, small reads here, heavy reads to the reader. */
import type { CommandArgs, CommandName, CommandResult } from "./commands/table.ts";
import type { Database } from "./database.ts";
import { storeFailure } from "./failure.ts";
import type { QueryArgs, QueryName, QueryResult } from "./queries/table.ts";
import type { ThreadLink } from "./thread-link.ts";

export class Access {
  readonly #writer: ThreadLink;
  readonly #reader: ThreadLink;
  readonly #near: Database;

  constructor(writer: ThreadLink, reader: ThreadLink, near: Database) {
    this.#writer = writer;
    this.#reader = reader;
    this.#near = near;
  }

  /** Resolves when the change is durable. */
  async write<Name extends CommandName>(name: Name, args: CommandArgs<Name>): Promise<CommandResult<Name>> {
    return (await this.#writer.call(name, args)) as CommandResult<Name>;
  }

  /** A read by key, on this thread: keep it below 100 µs. */
  // oxlint-disable-next-line require-await -- what it throws must become a rejection
  async near<Result>(read: (db: Database) => Result): Promise<Result> {
    try {
      return read(this.#near);
    } catch (thrown) {
      throw storeFailure(thrown, this.#near.file);
    }
  }

  /** A read that may take long; never blocks this thread. */
  async far<Name extends QueryName>(name: Name, args: QueryArgs<Name>): Promise<QueryResult<Name>> {
    return (await this.#reader.call(name, args)) as QueryResult<Name>;
  }
}
