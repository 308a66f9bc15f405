/**
 * Group commit: all calls that wait are one transaction and one fsync, and still each stands for itself. A call that
 * fails takes back its own savepoint; when the transaction as a whole cannot be kept, every call gets one of its own.
 */
import { AppError, type AppErrorJson } from "../../domain/app-error.ts";
import { commands, type CommandName } from "./commands/table.ts";
import type { Database } from "./database.ts";
import { storeFailure } from "./failure.ts";

export interface Call {
  readonly id: number;
  readonly name: string;
  readonly args: unknown;
}

export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: AppErrorJson;
}

/** Applies the calls in order. Every answer is durable, or an error that changed nothing. Never throws. */
export function commitGroup(db: Database, calls: readonly Call[]): Answer[] {
  try {
    return commitTogether(db, calls);
  } catch (thrown) {
    rollBack(db);
    const [only] = calls;
    if (calls.length === 1 && only !== undefined) return [failed(only, thrown, db)];
    // One of them may be too large for what is left of the disk: the others shall not pay for it.
    return calls.flatMap((call) => commitGroup(db, [call]));
  }
}

/** Throws where the transaction is lost; once it is committed, never. */
function commitTogether(db: Database, calls: readonly Call[]): Answer[] {
  db.run("BEGIN IMMEDIATE");
  const applied = calls.map((call) => applyOne(db, call));
  db.run("COMMIT");
  return applied.map(({ call, answer, afterwards }) => {
    try {
      for (const action of afterwards) action();
      return answer;
    } catch (thrown) {
      return failed(call, thrown, db);
    }
  });
}

interface Applied {
  readonly call: Call;
  readonly answer: Answer;
  /** What belongs to the call and cannot be done within a transaction. */
  readonly afterwards: readonly (() => void)[];
}

function applyOne(db: Database, call: Call): Applied {
  db.run("SAVEPOINT call");
  try {
    const value = run(db, call);
    db.run("RELEASE call");
    return { call, answer: { id: call.id, value }, afterwards: db.takeAfterCommit() };
  } catch (thrown) {
    if (!db.inTransaction) throw thrown;
    db.run("ROLLBACK TO call");
    db.run("RELEASE call");
    db.takeAfterCommit();
    for (const kept of db.takeAfterRollback()) kept();
    return { call, answer: failed(call, thrown, db), afterwards: [] };
  }
}

function run(db: Database, call: Call): unknown {
  if (!Object.hasOwn(commands, call.name)) throw new AppError("SYS_001", `The store has no command ${call.name}.`);
  // The caller's side is typed by the same table, so that the arguments are those of this very command.
  const command = commands[call.name as CommandName] as (db: Database, args: unknown) => unknown;
  return command(db, call.args);
}

function failed(call: Call, thrown: unknown, db: Database): Answer {
  return { id: call.id, error: storeFailure(thrown, db.file).toJSON() };
}

function rollBack(db: Database): void {
  db.takeAfterCommit();
  db.takeAfterRollback();
  if (db.inTransaction) db.run("ROLLBACK");
}
