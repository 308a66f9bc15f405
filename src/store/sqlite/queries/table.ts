/** The reads that the reader thread answers. The small ones are called on the main thread, without a detour. */
import { AppError } from "../../../domain/app-error.ts";
import type { Database } from "../database.ts";
import { balances } from "../commands/money/purse.ts";
import { decisionPage } from "./decisions.ts";
import { ledgerLatency } from "./latency.ts";
import { ledgerSums } from "./ledger.ts";
import { searchTranscripts, sessionPage, transcriptOf } from "./sessions.ts";
import { callsOfSession, dailyActivity, recount, sessionUsage } from "./usage.ts";

export const queries = {
  balances,
  decisionPage,
  ledgerSums,
  ledgerLatency,
  dailyActivity,
  sessionUsage,
  callsOfSession,
  recount,
  searchTranscripts,
  sessionPage,
  transcriptOf,
};

export type Queries = typeof queries;
export type QueryName = keyof Queries;
export type QueryArgs<Name extends QueryName> = Parameters<Queries[Name]>[1];
export type QueryResult<Name extends QueryName> = ReturnType<Queries[Name]>;

/** Throws what the query throws, and SYS_001 for a name that is none. */
export function runQuery(db: Database, name: string, args: unknown): unknown {
  if (!Object.hasOwn(queries, name)) throw new AppError("SYS_001", `The store has no query ${name}.`);
  // The caller's side is typed by this very table, so that the arguments are those of this very query.
  const query = queries[name as QueryName] as (db: Database, args: unknown) => unknown;
  return query(db, args);
}
