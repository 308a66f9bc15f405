/**
 * The main thread's end of a store thread. Calls of one turn of the event loop travel in one message; answers come back
 * the same way. When the thread dies, what was under way fails with STORE_001 and the next call starts a new one.
 */
import { Worker } from "node:worker_threads";
import { AppError, type AppErrorJson } from "../../domain/app-error.ts";
import type { Log } from "../../platform/log.ts";
import type { CallLink } from "./access.ts";
import type { Answer, Call } from "./group-commit.ts";

export interface ThreadOptions {
  readonly file: string;
}

export type ThreadMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly error: AppErrorJson }
  | { readonly kind: "answers"; readonly answers: readonly Answer[] }
  | { readonly kind: "warning"; readonly error: AppErrorJson }
  | { readonly kind: "closed" };

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: AppError) => void;
}

export class ThreadLink implements CallLink {
  readonly #url: URL;
  readonly #options: ThreadOptions;
  readonly #log: Log;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | null = null;
  #started: Promise<void> | null = null;
  #outgoing: Call[] = [];
  #nextId = 1;
  #closing: Promise<void> | null = null;

  constructor(url: URL, options: ThreadOptions, log: Log) {
    this.#url = url;
    this.#options = options;
    this.#log = log;
  }

  /** Resolves when the thread has opened the store; throws why it could not. Called by `call` where needed. */
  start(): Promise<void> {
    this.#started ??= this.#launch();
    return this.#started;
  }

  call(name: string, args: unknown): Promise<unknown> {
    if (this.#closing !== null) {
      return Promise.reject(
        new AppError("STORE_001", "The store is closed.", { details: { path: this.#options.file } }),
      );
    }
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#pending.set(this.#nextId, { resolve, reject });
    });
    if (this.#outgoing.length === 0) setImmediate(() => this.#flush());
    this.#outgoing.push({ id: this.#nextId, name, args });
    this.#nextId += 1;
    return answer;
  }

  /** After every call under way was answered. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#shut();
    return this.#closing;
  }

  /** Ends the thread as a crash would. For tests of what follows. */
  async kill(): Promise<void> {
    await this.#worker?.terminate();
  }

  async #shut(): Promise<void> {
    this.#flush();
    const started = this.#started;
    if (started === null) return;
    // A thread that never opened the store has nothing to close; whoever waited for it was told why.
    await started.catch((reason: unknown) =>
      this.#log.debug("closing a store that did not open", { reason: String(reason) }),
    );
    const worker = this.#worker;
    if (worker === null) return;
    await new Promise<void>((resolve) => {
      worker.once("exit", () => resolve());
      worker.postMessage("close");
    });
  }

  #flush(): void {
    if (this.#outgoing.length === 0) return;
    const calls = this.#outgoing;
    this.#outgoing = [];
    if (this.#worker !== null) {
      this.#worker.postMessage(calls);
      return;
    }
    this.start().then(
      () => this.#worker?.postMessage(calls),
      (thrown: unknown) => {
        for (const { id } of calls) this.#settle({ id, error: AppError.from(thrown, "STORE_001").toJSON() });
      },
    );
  }

  #launch(): Promise<void> {
    return new Promise((resolve, reject) => {
      const worker = new Worker(this.#url, {
        workerData: this.#options,
        // The thread needs neither our flags nor our environment, and little memory of its own.
        execArgv: [],
        env: {},
        resourceLimits: { maxYoungGenerationSizeMb: 8 },
      });
      worker.on("message", (message: ThreadMessage) => {
        if (message.kind === "ready") {
          this.#worker = worker;
          resolve();
        } else if (message.kind === "failed") {
          reject(AppError.fromJSON(message.error));
        } else if (message.kind === "answers") {
          for (const answer of message.answers) this.#settle(answer);
        } else if (message.kind === "warning") {
          this.#log.warn(message.error.message, message.error.details);
        }
      });
      worker.on("error", (error) => this.#log.error("a store thread failed", { reason: error.message }));
      worker.on("exit", (code) => {
        const error = new AppError("STORE_001", "The store's thread ended before it answered.", {
          details: { path: this.#options.file, code },
        });
        reject(error);
        this.#forget(worker, error);
      });
    });
  }

  #settle(answer: Answer): void {
    const pending = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if (answer.error === undefined) pending?.resolve(answer.value);
    else pending?.reject(AppError.fromJSON(answer.error));
  }

  /** The thread is gone: the next call starts another one. */
  #forget(worker: Worker, error: AppError): void {
    this.#started = null;
    if (this.#worker !== worker) return;
    this.#worker = null;
    const waiting = new Set(this.#outgoing.map((call) => call.id));
    for (const id of this.#pending.keys()) {
      if (!waiting.has(id)) this.#settle({ id, error: error.toJSON() });
    }
  }
}
