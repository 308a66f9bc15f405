/**
 * Rows that are written beside the turns, in batches: nobody waits for them. A batch that cannot be written is lost, and the
 * log says so; where more wait than may, the oldest go.
 */
import { AppError } from "../domain/app-error.ts";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";

export interface BatchWriter<Row> {
  add(row: Row): void;
  /** Writes what still waits. */
  close(): Promise<void>;
}

export interface BatchWriterDeps<Row> {
  readonly write: (batch: readonly Row[]) => Promise<void>;
  /** For the log: what could not be written. */
  readonly name: string;
  readonly maxWaiting: number;
  readonly clock: Clock;
  readonly log: Log;
}

const flushMs = 500;

export function createBatchWriter<Row>({
  write,
  name,
  maxWaiting,
  clock,
  log,
}: BatchWriterDeps<Row>): BatchWriter<Row> {
  let waiting: Row[] = [];
  const flush = async (): Promise<void> => {
    if (waiting.length === 0) return;
    const batch = waiting;
    waiting = [];
    try {
      await write(batch);
    } catch (thrown) {
      log.warn(`${name} could not be written`, { count: batch.length, error: AppError.from(thrown).toJSON() });
    }
  };
  const timer = clock.every(flushMs, flush);
  return {
    add(row) {
      waiting.push(row);
      // More than this waiting means that the store is in trouble: the turns go on.
      if (waiting.length > maxWaiting) waiting.shift();
    },
    async close() {
      timer.cancel();
      await flush();
    },
  };
}
