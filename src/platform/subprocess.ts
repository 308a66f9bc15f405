/**
 * Runs a program to its end, within limits. Words are words: no shell reads them. The child leads a process group of
 * its own, and what it started goes with it when a limit is hit. Its environment is what it is given, nothing more.
 */
import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from "node:child_process";
import { AppError } from "../domain/app-error.ts";

export interface RunOptions {
  readonly cwd?: string;
  /** All of it: nothing is inherited, not even PATH. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Of standard output and standard error together. */
  readonly maxOutputBytes: number;
  readonly signal?: AbortSignal;
  /** Written to standard input, which is closed behind it. Empty where none is given. */
  readonly stdin?: string | Uint8Array;
}

export interface RunResult {
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly durationMs: number;
}

/**
 * Resolves when the program has ended and its output is complete, whatever its exit code. Throws SYS_004 where it went
 * over its time or output (the whole group is dead by then), SYS_008 where it could not be started, and RUN_001 where
 * the signal stopped it.
 */
export function run(argv: readonly string[], options: RunOptions): Promise<RunResult> {
  const [program = "", ...words] = argv;
  if (program === "" || argv.some((word) => word.includes("\0"))) {
    return Promise.reject(new AppError("SYS_008", "A command needs a program, and words without NUL."));
  }
  if (options.signal?.aborted === true) return Promise.reject(stopped(program, options.signal));
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    const child = start(program, words, options);
    const watch = watchLimits(child, program, options);
    child.once("error", (error) => {
      // Also raised where a kill fails; then the child was started and `close` still comes.
      if (child.pid !== undefined) return;
      watch.end();
      reject(new AppError("SYS_008", `${program} could not be started: ${error.message}`, { cause: error }));
    });
    child.once("close", (exitCode, signal) => {
      watch.end();
      const failure = watch.failure();
      if (failure !== null) reject(failure);
      else resolve({ exitCode, signal, ...watch.output(), durationMs: performance.now() - startedMs });
    });
    // A program that does not read what it is given ends with EPIPE here; its exit code says what it made of that.
    child.stdin.once("error", () => child.stdin.destroy());
    child.stdin.end(options.stdin ?? "");
  });
}

function start(program: string, words: readonly string[], options: RunOptions): ChildProcessWithoutNullStreams {
  try {
    return spawn(program, words, {
      cwd: options.cwd,
      env: options.env,
      shell: false,
      detached: process.platform !== "win32",
      windowsHide: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
  } catch (error) {
    // Most failures come as an event; words that are too long for the system come at once.
    throw new AppError("SYS_008", `${program} could not be started: ${String(error)}`, { cause: error });
  }
}

interface LimitWatch {
  end(): void;
  failure(): AppError | null;
  output(): { readonly stdout: Buffer; readonly stderr: Buffer };
}

function watchLimits(child: ChildProcess, program: string, options: RunOptions): LimitWatch {
  let failure: AppError | null = null;
  let bytes = 0;
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];

  const fail = (error: AppError): void => {
    failure ??= error;
    killGroup(child);
    // Whoever left the group may still hold the pipes; nobody waits for it.
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  const collect = (into: Buffer[]) => (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= options.maxOutputBytes) into.push(chunk);
    else
      fail(
        overLimit(program, `wrote more than ${options.maxOutputBytes} bytes`, {
          maxOutputBytes: options.maxOutputBytes,
        }),
      );
  };
  child.stdout?.on("data", collect(stdout));
  child.stderr?.on("data", collect(stderr));

  const { timeoutMs, signal } = options;
  const timer = setTimeout(() => fail(overLimit(program, `ran longer than ${timeoutMs} ms`, { timeoutMs })), timeoutMs);
  const onAbort = (): void => fail(stopped(program, signal));
  signal?.addEventListener("abort", onAbort, { once: true });

  return {
    end() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    },
    failure: () => failure,
    output: () => ({ stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) }),
  };
}

/** The child and all it started that did not leave the group. Gone already is as good. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === "win32") child.kill("SIGKILL");
    else process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    // ESRCH: the group ended by itself. Anything else leaves a child behind, and the single kill is what is left to try.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) child.kill("SIGKILL");
  }
}

function overLimit(program: string, what: string, details: Readonly<Record<string, number>>): AppError {
  return new AppError("SYS_004", `${program} ${what} and was ended.`, { details: { program, ...details } });
}

function stopped(program: string, signal: AbortSignal | undefined): AppError {
  return new AppError("RUN_001", `${program} was stopped.`, { cause: signal?.reason });
}
