/**
 * Starts a command that was allowed, and sees to its end. There is no way in here without an `ApprovedCommand`. The child
 * leads a group of its own; the group goes with it, whether it ends or is ended.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { AppError } from "../../domain/app-error.ts";
import type { ApprovedCommand } from "../../domain/authority.ts";
import { limits } from "../../domain/limits.ts";
import { isErrno } from "../../platform/atomic-file.ts";
import type { Clock, Timer } from "../../platform/clock.ts";
import type { BoxedCommand } from "../../sandbox/contract.ts";

export interface StartOptions {
  readonly clock: Clock;
  /** Null: outside of a sandbox. */
  readonly boxed: BoxedCommand | null;
  /** Of `setpriv`, which ties a child's life to the gateway's; null where there is none. Not used for a box, which has its own tie. */
  readonly setpriv: string | null;
  /** Added to the environment outside of a box: what is left of a command is known by it after a crash. */
  readonly mark: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  onOutput(chunk: Buffer): void;
}

/** Why a command was ended, where it did not end by itself. */
export type EndedBy = "timeout" | "output" | "killed" | "stopped";

export interface CommandEnd {
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly endedBy: EndedBy | null;
}

export interface StartedCommand {
  readonly pid: number;
  /** Never rejects. Its output is complete; what is left of its group is dead, and of its box, in the kernel's hands to end. */
  readonly ended: Promise<CommandEnd>;
  /** Asks it to end, and ends it after a moment. Idempotent. */
  end(why: EndedBy): void;
}

/** Throws RUN_003 where it cannot be started. */
export function startCommand(command: ApprovedCommand, options: StartOptions): Promise<StartedCommand> {
  const child = spawnChild(command, options);
  return new Promise((resolve, reject) => {
    child.once("error", (error) => {
      // Also raised where a signal cannot be sent; then it was started and its end still comes.
      if (child.pid !== undefined) return;
      void options.boxed?.release();
      reject(notStarted(error));
    });
    child.once("spawn", () => {
      const { pid } = child;
      if (pid !== undefined) resolve(new RunningCommand(child, pid, options));
    });
  });
}

/** One pipe for both, so that their lines stand in the order in which they were written. The words are its arguments. */
const inOneStream = ["/bin/sh", "-c", 'exec "$@" 2>&1', "openclaw-exec"] as const;

function spawnChild(command: ApprovedCommand, { boxed, setpriv, mark }: StartOptions): ChildProcess {
  const tie = boxed === null && setpriv !== null ? [setpriv, "--pdeathsig", "KILL", "--"] : [];
  const [program, ...words] = [...inOneStream, ...tie, ...(boxed?.argv ?? command.argv)];
  try {
    return spawn(program, words, {
      cwd: boxed?.cwd ?? command.cwd,
      env: boxed?.env ?? { ...command.env, ...mark },
      shell: false,
      detached: true,
      windowsHide: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (error) {
    throw notStarted(error);
  }
}

function notStarted(cause: unknown): AppError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new AppError("RUN_003", `The command could not be started: ${why}.`, { cause });
}

class RunningCommand implements StartedCommand {
  readonly pid: number;
  readonly ended: Promise<CommandEnd>;
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  #endedBy: EndedBy | null = null;
  #isOver = false;
  #timer: Timer;
  #bytes = 0;

  constructor(child: ChildProcess, pid: number, options: StartOptions) {
    this.#child = child;
    this.pid = pid;
    this.#clock = options.clock;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => this.#take(chunk, options));
      stream?.on("error", () => stream.destroy());
    }
    this.#timer = this.#clock.after(options.timeoutMs, () => this.end("timeout"));
    this.ended = this.#watch(options.boxed);
  }

  end(why: EndedBy): void {
    if (this.#endedBy !== null || this.#isOver) return;
    this.#endedBy = why;
    this.#timer.cancel();
    signalGroup(this.pid, "SIGTERM");
    this.#timer = this.#clock.after(limits.commandGraceMs, () => signalGroup(this.pid, "SIGKILL"));
  }

  #take(chunk: Buffer, options: StartOptions): void {
    this.#bytes += chunk.length;
    // Whoever is over its bound is not listened to: it goes on writing until it is dead.
    if (this.#bytes - chunk.length <= limits.commandOutputBytes) options.onOutput(chunk);
    if (this.#bytes > limits.commandOutputBytes) this.end("output");
  }

  async #watch(boxed: BoxedCommand | null): Promise<CommandEnd> {
    const child = this.#child;
    const closed = new Promise<void>((resolve) => void child.once("close", () => resolve()));
    const { exitCode, signal } = await new Promise<Pick<CommandEnd, "exitCode" | "signal">>((resolve) => {
      child.once("exit", (code, ended) => resolve({ exitCode: code, signal: ended }));
    });
    this.#isOver = true;
    this.#timer.cancel();
    // At once: the group's number is nobody else's while one of the group lives, and is not looked at later.
    signalGroup(this.pid, "SIGKILL");
    await this.#drained(closed);
    await boxed?.release();
    return { exitCode, signal, endedBy: this.#endedBy };
  }

  /** Whoever left the group may hold the pipe open for as long as it likes; nobody waits for it. */
  async #drained(closed: Promise<void>): Promise<void> {
    const late = new Promise<void>((resolve) => {
      const timer = this.#clock.after(limits.commandDrainMs, resolve);
      void closed.then(() => timer.cancel());
    });
    await Promise.race([closed, late]);
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: all of it ended by itself, which is as good. EPERM: it changed its user, and is no longer ours to end.
    if (!isErrno(error, "ESRCH", "EPERM")) throw error;
  }
}
