/** Starts a thread for a page, waits for its text within time and memory, and ends it. Two at a time; the others wait. */
import { Worker } from "node:worker_threads";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Clock } from "../../platform/clock.ts";
import { workerUrl } from "../../platform/worker-url.ts";
import type { PageSource, ReadPage } from "./read-page.ts";

/** Throws RUN_003 where the page takes too long or too much, RUN_001 where the signal ended it. */
export type PageReader = (source: PageSource, signal: AbortSignal) => Promise<ReadPage>;

export interface PageReaderDeps {
  readonly clock: Clock;
  /** The thread's module; another one in tests. */
  readonly thread?: URL;
  /** Of one page; the house's limit where absent. */
  readonly timeoutMs?: number;
}

const atOnce = 2;

export function createPageReader({
  clock,
  thread = workerUrl(import.meta.url, "./page-thread.ts", "page-reader.js"),
  timeoutMs = limits.webReadTimeoutMs,
}: PageReaderDeps): PageReader {
  const places = Array.from({ length: atOnce }, () => Promise.resolve());
  let next = 0;
  return (source, signal) => {
    const place = next % atOnce;
    next += 1;
    const work = (places[place] ?? Promise.resolve()).then(() =>
      readInThread(source, signal, { clock, thread, timeoutMs }),
    );
    places[place] = work.then(
      () => undefined,
      () => undefined,
    );
    return work;
  };
}

function readInThread(
  source: PageSource,
  signal: AbortSignal,
  { clock, thread, timeoutMs }: Required<PageReaderDeps>,
): Promise<ReadPage> {
  if (signal.aborted) return Promise.reject(aborted());
  const worker = new Worker(thread, {
    workerData: source,
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: limits.webReadHeapMiB, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 },
  });
  return new Promise((resolve, reject) => {
    const timer = clock.after(timeoutMs, () => end(() => reject(unreadable("takes too long to read"))));
    const onAbort = (): void => end(() => reject(aborted()));
    let ended = false;
    const end = (settle: () => void): void => {
      if (ended) return;
      ended = true;
      timer.cancel();
      signal.removeEventListener("abort", onAbort);
      // Its place is free when it is gone, and not before.
      worker.terminate().then(settle, settle);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    worker.once("message", (page: ReadPage) => end(() => resolve(page)));
    worker.once("error", (error) => end(() => reject(unreadable("cannot be read", error))));
    worker.once("exit", () => end(() => reject(unreadable("cannot be read"))));
  });
}

function unreadable(why: string, cause?: unknown): AppError {
  return new AppError(
    "RUN_003",
    `The page ${why}. Try another page on the subject.`,
    cause === undefined ? {} : { cause },
  );
}

function aborted(): AppError {
  return new AppError("RUN_001", "The turn was aborted while a page was read.");
}
