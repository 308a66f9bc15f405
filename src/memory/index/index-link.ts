/**
 * The main thread's end of the memory's thread. The thread starts with the first question and ends after some silence;
 * where it dies, what was under way fails with STORE_001 and the next question starts a new one.
 */
import { Worker } from "node:worker_threads";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Clock, Timer } from "../../platform/clock.ts";
import type { Log } from "../../platform/log.ts";
import { workerUrl } from "../../platform/worker-url.ts";
import type { CallName, Calls, Question, Reply } from "./calls.ts";

/** One life of the thread. */
interface Life {
  /** Questions without an answer. */
  readonly open: number;
  ask<Name extends CallName>(name: Name, args: Calls[Name]["args"]): Promise<Calls[Name]["result"]>;
  /** Lets it close its files. Resolves when it is gone. */
  end(): Promise<void>;
  kill(): Promise<void>;
}

export interface IndexLink {
  call<Name extends CallName>(name: Name, args: Calls[Name]["args"]): Promise<Calls[Name]["result"]>;
  /** Whether the thread runs at this moment. */
  readonly isRunning: boolean;
  /** After what is under way was answered. Idempotent; every later call is refused. */
  close(): Promise<void>;
  /** Ends the thread as a crash would. For tests of what follows. */
  kill(): Promise<void>;
}

export interface IndexLinkDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** The thread is about to end after its silence. */
  readonly onIdle: () => void;
}

export function createIndexLink({ clock, log, onIdle }: IndexLinkDeps): IndexLink {
  let life: Life | null = null;
  let idle: Timer | null = null;
  let closing: Promise<void> | null = null;

  function waitForSilence(): void {
    idle?.cancel();
    idle = clock.after(limits.memoryIdleMs, () => {
      if (life === null) return;
      if (life.open > 0) {
        waitForSilence();
        return;
      }
      const ended = life;
      // Whoever asks while it ends gets another one.
      life = null;
      onIdle();
      void ended.end();
    });
  }

  return {
    get isRunning() {
      return life !== null;
    },
    call(name, args) {
      if (closing !== null) return Promise.reject(new AppError("SYS_007", "The memory is closed."));
      waitForSilence();
      life ??= startLife(log, (gone) => {
        if (life === gone) life = null;
      });
      return life.ask(name, args);
    },
    close() {
      idle?.cancel();
      closing ??= life?.end() ?? Promise.resolve();
      return closing;
    },
    kill: async () => life?.kill(),
  };
}

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: AppError) => void;
}

function startLife(log: Log, onExit: (gone: Life) => void): Life {
  const worker = new Worker(workerUrl(import.meta.url, "./index-thread.ts", "memory-index.js"), {
    execArgv: [],
    env: {},
  });
  const waiting = new Map<number, Waiting>();
  let nextId = 1;
  const exited = new Promise<void>((resolve) => {
    worker.on("exit", () => {
      onExit(life);
      for (const { reject } of waiting.values()) reject(endedEarly());
      waiting.clear();
      resolve();
    });
  });
  worker.on("error", (error) => log.error("the memory's thread failed", { reason: error.message }));
  worker.on("message", (reply: Reply) => {
    if ("log" in reply) {
      log.warn(reply.log, reply.fields);
      return;
    }
    const pending = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ("error" in reply) pending?.reject(AppError.fromJSON(reply.error));
    else pending?.resolve(reply.value as never);
    // A thread that nobody waits for does not keep the process alive.
    if (waiting.size === 0) worker.unref();
  });
  const life: Life = {
    get open() {
      return waiting.size;
    },
    ask: (name, args) =>
      new Promise((resolve, reject) => {
        const question: Question = { id: nextId, name, args };
        nextId += 1;
        waiting.set(question.id, { resolve, reject });
        worker.ref();
        worker.postMessage(question);
      }),
    async end() {
      await life.ask("close", {}).catch(() => log.debug("the memory's thread was gone already"));
      // Nobody waits for an answer any more, but for its end: a process with nothing else to do must not leave before it.
      worker.ref();
      await exited;
    },
    kill: async () => void (await worker.terminate()),
  };
  return life;
}

function endedEarly(): AppError {
  return new AppError("STORE_001", "The memory's thread ended before it answered.");
}
