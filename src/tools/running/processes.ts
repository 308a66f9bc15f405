/**
 * The commands that run, and those that ended and are still asked about. Built by `compose`, closed with the gateway: what
 * it started does not outlive it. Knows whose each is, and tells nobody of another's.
 */
import { AppError } from "../../domain/app-error.ts";
import type { ApprovedCommand } from "../../domain/authority.ts";
import { limits } from "../../domain/limits.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Ids } from "../../platform/ids.ts";
import type { BoxedCommand } from "../../sandbox/contract.ts";
import { CappedOutput } from "./capped-output.ts";
import type { Leftovers } from "./leftovers.ts";
import { plainOutput } from "./plain-output.ts";
import { startCommand, type CommandEnd, type EndedBy, type StartedCommand } from "./start-command.ts";

export interface ProcessesOptions {
  readonly clock: Clock;
  readonly ids: Ids;
  /** Written down before a crash, so that the next start finds what is left. */
  readonly leftovers: Leftovers;
  /** Where `setpriv` is; null where there is none. Looked for on first use. */
  readonly findSetpriv: () => Promise<string | null>;
}

/** Whose a command is: the turn that started it, and the one that started that. */
export interface ProcessOwner {
  readonly agentId: string;
  readonly sessionKey: string;
  readonly parentSessionKey: string | null;
}

export interface CommandToStart {
  readonly command: ApprovedCommand;
  readonly boxed: BoxedCommand | null;
  readonly owner: ProcessOwner;
  /** The line, for people. */
  readonly text: string;
  readonly timeoutMs: number;
}

export interface RunningProcess {
  /** Short, for a model to name it by. */
  readonly id: string;
  readonly text: string;
  readonly startedMs: number;
  readonly timeoutMs: number;
  readonly sandboxed: boolean;
  /** Null while it runs. */
  readonly end: (CommandEnd & { readonly durationMs: number }) | null;
  /** Resolves when it is over; never rejects. */
  readonly ended: Promise<void>;
  /** What was written since this was last called; cut in its middle where it is long. */
  news(): string;
  stop(why: EndedBy): void;
}

export class Processes {
  readonly #options: ProcessesOptions;
  readonly #all = new Map<string, Entry>();
  #isClosed = false;
  /** Starts under way: they count, and `close` waits for them. */
  readonly #starting = new Set<Promise<unknown>>();
  #setpriv: Promise<string | null> | null = null;

  constructor(options: ProcessesOptions) {
    this.#options = options;
  }

  /**
   * Throws RUN_003 where too many run already or it cannot be started, SYS_007 where the gateway is stopping. The box, if
   * any, is released then.
   */
  async start(wanted: CommandToStart): Promise<RunningProcess> {
    const starting = this.#start(wanted);
    this.#starting.add(starting);
    try {
      return await starting;
    } finally {
      this.#starting.delete(starting);
    }
  }

  async #start(wanted: CommandToStart): Promise<RunningProcess> {
    const { clock, ids, leftovers } = this.#options;
    const entry = new Entry(ids.hex(4), wanted, clock);
    try {
      this.#refuseTooMany(wanted.owner);
      this.#all.set(entry.id, entry);
      const mark = wanted.boxed === null ? leftovers.mark(ids.hex(16)) : null;
      this.#setpriv ??= this.#options.findSetpriv();
      const started = await startCommand(wanted.command, {
        clock,
        boxed: wanted.boxed,
        setpriv: await this.#setpriv,
        mark: mark?.env ?? {},
        timeoutMs: wanted.timeoutMs,
        onOutput: (chunk) => entry.unread.add(chunk),
      });
      entry.begin(started, async () => await mark?.end());
      // A box dies with the gateway; what runs outside of one is written down.
      if (mark !== null) await mark.remember(started.pid);
    } catch (error) {
      this.#all.delete(entry.id);
      await wanted.boxed?.release();
      throw error;
    }
    void entry.ended.then(() => this.#forgetOld(wanted.owner));
    if (this.#isClosed) entry.stop("stopped");
    return entry;
  }

  /** Those that this session may know of: its own, and its children's. Oldest first. */
  list(owner: Pick<ProcessOwner, "agentId" | "sessionKey">): readonly RunningProcess[] {
    return [...this.#all.values()].filter((entry) => isVisible(entry.owner, owner));
  }

  find(owner: Pick<ProcessOwner, "agentId" | "sessionKey">, id: string): RunningProcess | null {
    const entry = this.#all.get(id);
    return entry !== undefined && isVisible(entry.owner, owner) ? entry : null;
  }

  /** Ends all that run, and resolves when they are gone. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#starting);
    const running = [...this.#all.values()].filter(({ end }) => end === null);
    for (const entry of running) entry.stop("stopped");
    await Promise.all(running.map(({ ended }) => ended));
  }

  #refuseTooMany(owner: ProcessOwner): void {
    if (this.#isClosed) throw new AppError("SYS_007", "The gateway is stopping, and starts no command.");
    const running = [...this.#all.values()].filter(({ end }) => end === null);
    const own = running.filter((entry) => entry.owner.sessionKey === owner.sessionKey);
    if (own.length >= limits.commandsPerSession) {
      throw new AppError(
        "RUN_003",
        `${own.length} commands of this session run already. End one with the process tool, or wait for one.`,
      );
    }
    if (running.length >= limits.commandsPerHouse) {
      throw new AppError("RUN_003", "Too many commands run on this gateway. Try again in a moment.");
    }
  }

  #forgetOld(owner: ProcessOwner): void {
    const over = [...this.#all.values()].filter(
      (entry) => entry.end !== null && entry.owner.sessionKey === owner.sessionKey,
    );
    for (const entry of over.slice(0, Math.max(0, over.length - limits.endedCommandsPerSession))) {
      this.#all.delete(entry.id);
    }
  }

  /** A command whose result was told is of no more interest. */
  forget(id: string): void {
    if (this.#all.get(id)?.end !== null) this.#all.delete(id);
  }
}

function isVisible(owner: ProcessOwner, asking: Pick<ProcessOwner, "agentId" | "sessionKey">): boolean {
  if (owner.sessionKey === asking.sessionKey) return owner.agentId === asking.agentId;
  return owner.parentSessionKey === asking.sessionKey;
}

const caps = { headBytes: limits.commandHeadBytes, tailBytes: limits.commandTailBytes };

class Entry implements RunningProcess {
  readonly id: string;
  readonly text: string;
  readonly owner: ProcessOwner;
  readonly startedMs: number;
  readonly timeoutMs: number;
  readonly sandboxed: boolean;
  readonly unread = new CappedOutput(caps);
  readonly ended: Promise<void>;
  end: RunningProcess["end"] = null;
  readonly #clock: Clock;
  readonly #beganMs: number;
  readonly #resolveEnded: () => void;
  #started: StartedCommand | null = null;

  constructor(id: string, { text, owner, timeoutMs, boxed }: CommandToStart, clock: Clock) {
    this.id = id;
    this.text = text;
    this.owner = owner;
    this.timeoutMs = timeoutMs;
    this.sandboxed = boxed !== null;
    this.#clock = clock;
    this.startedMs = clock.nowMs();
    this.#beganMs = clock.monotonicMs();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#resolveEnded = resolve;
  }

  begin(started: StartedCommand, after: () => Promise<void>): void {
    this.#started = started;
    void started.ended.then(async (end) => {
      await after();
      this.end = { ...end, durationMs: this.#clock.monotonicMs() - this.#beganMs };
      this.#resolveEnded();
    });
  }

  news(): string {
    const text = plainOutput(this.unread, caps);
    this.unread.clear();
    return text;
  }

  stop(why: EndedBy): void {
    this.#started?.end(why);
  }
}
