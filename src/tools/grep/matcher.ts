/** A pattern at work in a thread of its own, which is ended when it takes too long. */
import { Worker } from "node:worker_threads";
import { AppError } from "../../domain/app-error.ts";
import type { Clock, Timer } from "../../platform/clock.ts";
import { workerUrl } from "../../platform/worker-url.ts";
import type { LineMatch, MatchTask, MatcherData } from "./matcher-thread.ts";

export class Matcher {
  readonly #worker: Worker;
  readonly #timer: Timer;
  #waiting: PromiseWithResolvers<readonly LineMatch[]> | null = null;
  #failure: AppError | null = null;

  /** `withinMs`: for all the files together. The caller closes it. Throws RUN_003 where the pattern cannot be read. */
  constructor(
    pattern: MatcherData,
    { clock, signal, withinMs }: { clock: Clock; signal: AbortSignal; withinMs: number },
  ) {
    refuseUnreadable(pattern);
    this.#worker = new Worker(workerUrl(import.meta.url, "./matcher-thread.ts", "grep-matcher.js"), {
      workerData: pattern,
      execArgv: [],
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 16 },
    });
    this.#worker.on("message", (found: readonly LineMatch[]) => this.#waiting?.resolve(found));
    this.#worker.on("error", (cause) =>
      this.#fail(new AppError("RUN_003", "The pattern could not be used.", { cause })),
    );
    this.#worker.on("exit", () => this.#fail(new AppError("RUN_003", "The search was ended.")));
    this.#timer = clock.after(withinMs, () => this.#fail(tooLong()));
    signal.addEventListener("abort", () => this.#fail(new AppError("RUN_001", "The search was stopped.")), {
      once: true,
    });
  }

  /** One text at a time. Throws RUN_003 where the pattern took too long. */
  async matches(task: MatchTask): Promise<readonly LineMatch[]> {
    if (this.#failure !== null) throw this.#failure;
    this.#waiting = Promise.withResolvers();
    this.#worker.postMessage(task);
    try {
      return await this.#waiting.promise;
    } finally {
      this.#waiting = null;
    }
  }

  async close(): Promise<void> {
    this.#timer.cancel();
    await this.#worker.terminate();
  }

  #fail(error: AppError): void {
    this.#failure ??= error;
    this.#waiting?.reject(this.#failure);
    this.#worker.terminate().catch(() => "it is gone already");
  }
}

function refuseUnreadable({ source, flags }: MatcherData): void {
  try {
    RegExp(source, flags);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : "";
    throw new AppError("RUN_003", `The pattern cannot be read: ${reason}. Mend it, or set literal.`, { cause });
  }
}

function tooLong(): AppError {
  return new AppError(
    "RUN_003",
    "The search took too long and was ended. Use a simpler pattern, literal, or a smaller folder.",
  );
}
