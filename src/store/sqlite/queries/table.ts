/** The reads that the reader thread answers. The small ones are called on the main thread, without a detour. */
import { ledgerSums } from "./ledger.ts";
import { sessionPage, transcriptOf } from "./sessions.ts";

export const queries = { ledgerSums, sessionPage, transcriptOf };

export type Queries = typeof queries;
export type QueryName = keyof Queries;
export type QueryArgs<Name extends QueryName> = Parameters<Queries[Name]>[1];
export type QueryResult<Name extends QueryName> = ReturnType<Queries[Name]>;
