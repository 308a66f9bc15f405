/**
 * Speaks to a program over its standard input and output. Its words are bounded line by line, what it says on standard
 * error goes into the log, and it ends with all that it started.
 */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { JSONRPCMessageSchema, type JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { truncateBytes } from "../domain/text.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";

export interface StdioOptions {
  readonly argv: readonly [string, ...string[]];
  /** All of it. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly clock: Clock;
  readonly log: Log;
}

export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #options: StdioOptions;
  #child: ChildProcessWithoutNullStreams | null = null;
  readonly #ended = Promise.withResolvers<void>();
  #isOver = false;
  /** Of the line that is not complete yet. */
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  #badMessages = 0;
  #timers: Timer[] = [];

  constructor(options: StdioOptions) {
    this.#options = options;
  }

  /** Throws SYS_008 where the program cannot be started. */
  async start(): Promise<void> {
    const { argv, env, cwd } = this.#options;
    const [command, ...args] = argv;
    const failed = (error: unknown): AppError =>
      new AppError("SYS_008", `${command} could not be started.`, { cause: error });
    let child: ChildProcessWithoutNullStreams;
    try {
      child = spawn(command, args, {
        cwd,
        env,
        shell: false,
        detached: process.platform !== "win32",
        windowsHide: true,
        stdio: ["pipe", "pipe", "pipe"],
      });
    } catch (error) {
      throw failed(error);
    }
    this.#child = child;
    this.#listen(child);
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (error) => {
        reject(failed(error));
        this.#over();
      });
    });
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const child = this.#child;
    if (child === null || this.#isOver || !child.stdin.writable) throw ended();
    await new Promise<void>((resolve, reject) => {
      // The callback comes when the pipe took it: a server that reads nothing holds up this one call, which is timed.
      child.stdin.write(`${JSON.stringify(message)}\n`, (error) => (error ? reject(ended(error)) : resolve()));
    });
  }

  /** Resolves when the program and its group are gone. Idempotent. */
  async close(): Promise<void> {
    const child = this.#child;
    if (child === null) return this.#over();
    if (!this.#isOver && this.#timers.length === 0) {
      const { clock } = this.#options;
      child.stdin.end();
      this.#timers.push(
        clock.after(limits.mcpAskedToEndMs, () => killGroup(child, "SIGTERM")),
        clock.after(limits.mcpGraceMs, () => killGroup(child, "SIGKILL")),
      );
    }
    await this.#ended.promise;
  }

  /** Ends it at once: it broke the rules. */
  #fail(why: string): void {
    if (this.#isOver) return;
    this.onerror?.(new AppError("CONN_001", why));
    if (this.#child !== null) killGroup(this.#child, "SIGKILL");
  }

  #listen(child: ChildProcessWithoutNullStreams): void {
    // Where it never started, `start` says so; a kill that fails later is followed by its end all the same.
    child.on("error", () => undefined);
    child.stdin.on("error", () => child.stdin.destroy());
    child.stdout.on("data", (chunk: Buffer) => this.#read(chunk));
    child.stdout.on("error", () => undefined);
    child.stderr.on("data", errorLines(this.#options.log));
    child.stderr.on("error", () => undefined);
    child.once("exit", () => {
      // Nobody of its group outlives it; who left the group may hold the pipes, and is not waited for.
      killGroup(child, "SIGKILL");
      this.#timers.push(
        this.#options.clock.after(limits.commandDrainMs, () => {
          child.stdout.destroy();
          child.stderr.destroy();
        }),
      );
    });
    child.once("close", () => this.#over());
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const timer of this.#timers.splice(0)) timer.cancel();
    this.#pieces = [];
    this.#ended.resolve();
    this.onclose?.();
  }

  #read(chunk: Buffer): void {
    let from = 0;
    while (!this.#isOver) {
      const at = chunk.indexOf(0x0a, from);
      const piece = chunk.subarray(from, at === -1 ? chunk.length : at);
      this.#pieceBytes += piece.length;
      if (this.#pieceBytes > limits.mcpMessageBytes) {
        this.#pieces = [];
        this.#child?.stdout.destroy();
        this.#fail(`It sent a message of more than ${limits.mcpMessageBytes} bytes.`);
        return;
      }
      this.#pieces.push(piece);
      if (at === -1) return;
      const line = Buffer.concat(this.#pieces).toString("utf8").replace(/\r$/, "");
      this.#pieces = [];
      this.#pieceBytes = 0;
      from = at + 1;
      if (!this.#take(line)) return;
    }
  }

  /** Whether it may go on. Programs print a line or two that are no messages; one that goes on so is broken. */
  #take(line: string): boolean {
    const message = messageIn(line);
    if (message !== null) {
      this.onmessage?.(message);
      return true;
    }
    this.#badMessages += 1;
    if (this.#badMessages <= limits.mcpBadMessages) return true;
    this.#child?.stdout.destroy();
    this.#fail("It writes what is no message of the protocol.");
    return false;
  }
}

function messageIn(line: string): JSONRPCMessage | null {
  try {
    const parsed = JSONRPCMessageSchema.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : null;
  } catch {
    // No JSON: counted with what is no message.
    return null;
  }
}

/** Its standard error, line by line and not without end. */
function errorLines(log: Log): (chunk: Buffer) => void {
  let left: number = limits.mcpStderrBytes;
  let rest = "";
  return (chunk) => {
    if (left <= 0) return;
    const text = rest + chunk.subarray(0, left).toString("utf8");
    left -= chunk.length;
    const lines = text.split("\n");
    rest = truncateBytes(lines.pop() ?? "", limits.mcpStderrLineBytes);
    for (const line of lines) {
      if (line.trim() !== "") log.debug("it says", { line: truncateBytes(line, limits.mcpStderrLineBytes) });
    }
    if (left <= 0) log.debug("what else it says on standard error is not written down");
  };
}

function ended(cause?: Error): AppError {
  return new AppError("CONN_001", "The program has ended.", cause === undefined ? {} : { cause });
}

/** Of a group that is gone nothing is left to end. */
function killGroup(child: ChildProcessWithoutNullStreams, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === "win32") child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) child.kill(signal);
  }
}
