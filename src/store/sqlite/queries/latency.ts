/** How long calls took, from the kept counts of each bucket of latencies. */
import type { LatencyStats, LedgerFilter } from "../../ledger-port.ts";
import type { Database } from "../database.ts";
import { dateOf, touchedDays } from "./ledger.ts";

export interface LatencyArgs {
  readonly group: "day" | "model" | null;
  readonly filter: Pick<LedgerFilter, "sinceMs" | "untilMs">;
}

export interface BucketRecord {
  bucket: number;
  calls: number;
  total_ms: number;
  least_ms: number;
  most_ms: number;
}

export function ledgerLatency(db: Database, { group, filter }: LatencyArgs): (LatencyStats & { key: string })[] {
  const { from, before } = touchedDays(filter);
  const key = group === null ? "''" : group === "day" ? dateOf : "model";
  const buckets = db.all<BucketRecord & { key: string }>(
    `SELECT ${key} AS key, bucket, sum(calls) AS calls, sum(total_ms) AS total_ms, min(least_ms) AS least_ms,
       max(most_ms) AS most_ms FROM ledger_latency WHERE day >= ? AND day < ? GROUP BY 1, 2 ORDER BY 1, 2`,
    from,
    before,
  );
  return [...Map.groupBy(buckets, (record) => record.key)].map(([name, own]) => ({ key: name, ...statsOf(own) }));
}

/** Of buckets in any order, several of one lower end among them. At least one call. */
export function statsOf(buckets: readonly BucketRecord[]): LatencyStats {
  const sorted = buckets.toSorted((left, right) => left.bucket - right.bucket);
  const count = sorted.reduce((sum, { calls }) => sum + calls, 0);
  const total = sorted.reduce((sum, { total_ms: totalMs }) => sum + totalMs, 0);
  return {
    count,
    averageMs: Math.round(total / count),
    leastMs: sorted.reduce((least, record) => Math.min(least, record.least_ms), Infinity),
    mostMs: sorted.reduce((most, record) => Math.max(most, record.most_ms), 0),
    p50Ms: percentile(sorted, Math.ceil(count * 0.5)),
    p95Ms: percentile(sorted, Math.ceil(count * 0.95)),
  };
}

/** The longest latency of the bucket that the `rank`th call is in: never below the true one. */
function percentile(sorted: readonly BucketRecord[], rank: number): number {
  let passed = 0;
  const last = sorted.find(({ calls }) => (passed += calls) >= rank);
  return sorted.filter(({ bucket }) => bucket === last?.bucket).reduce((most, one) => Math.max(most, one.most_ms), 0);
}
