/** Totals since the store was made: each kept in the commit that it counts. */
import type { Database } from "../database.ts";

export type Counted = "duplicates" | "leases-lost" | "unknown-sends";

export function count(db: Database, name: Counted): void {
  db.run(`INSERT INTO counter VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET n = n + 1`, name);
}
