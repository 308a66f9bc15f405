/**
 * What a gateway that crashed may have left running outside of a sandbox: written down while it runs, looked for at the
 * next start. A process is ended where it carries the mark of such a command, or has its number and moment of birth;
 * never for its number alone, which may be a stranger's by then.
 */
import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { ensurePrivateDir, isErrno, privateFileMode, readFileBounded } from "../../platform/atomic-file.ts";
import { isRunning, processIdentity } from "../../platform/process-identity.ts";

export interface Leftovers {
  /** Of one command that is about to start. `token`: random, never used before. */
  mark(token: string): CommandMark;
  /** Ends what an earlier gateway left, and forgets it. Returns how many processes that were. Never throws. */
  sweep(): Promise<number>;
}

export interface CommandMark {
  /** Goes into the command's environment. */
  readonly env: Readonly<Record<string, string>>;
  remember(pid: number): Promise<void>;
  /** The command is over: ends what left its group, and forgets it. Never throws. */
  end(): Promise<void>;
}

export interface LeftoversOptions {
  /** In the state directory. */
  readonly file: string;
  readonly onError: (error: unknown) => void;
  /** Of this boot of the machine: after another one nothing is left. */
  readonly bootId?: () => Promise<string | null>;
}

const entrySchema = z.object({ token: z.string(), pid: z.int().positive(), startTicks: z.string().nullable() });
const fileSchema = z.object({ bootId: z.string().nullable(), commands: z.array(entrySchema) });
type Remembered = z.infer<typeof entrySchema>;

/** Each looks for what the one before it was too early for. */
const rounds = 5;
const markName = "OPENCLAW_COMMAND";
const fileBytes = 1024 * 1024;

export function createLeftovers({ file, onError, bootId = bootIdOfLinux }: LeftoversOptions): Leftovers {
  const known = new Map<string, Remembered>();
  let writing: Promise<void> = Promise.resolve();
  let isWaiting = false;

  /** The one after the one under way says it all; it is not waited for by more than need be. */
  const write = (): Promise<void> => {
    if (isWaiting) return writing;
    isWaiting = true;
    writing = writing.then(async () => {
      isWaiting = false;
      try {
        await writeLazily(file, { bootId: await bootId(), commands: [...known.values()] });
      } catch (error) {
        // A command is not kept from running by it; what is lost is the sweep after a crash.
        onError(error);
      }
    });
    return writing;
  };

  return {
    mark(token) {
      let isOver = false;
      return {
        env: { [markName]: token },
        async remember(pid) {
          const { startTicks } = await processIdentity(pid);
          // Over before it could be written down: nobody would take it off the list again.
          if (isOver) return;
          known.set(token, { token, pid, startTicks });
          await write();
        },
        async end() {
          isOver = true;
          // Its group is dead already. What left it is found by its mark, which what it starts meanwhile carries too.
          for (let round = 0; round < rounds && (await endMarked(new Set([token]))) > 0; round += 1);
          if (known.delete(token)) await write();
        },
      };
    },
    async sweep() {
      try {
        const bytes = await readFileBounded(file, fileBytes);
        if (bytes === null) return 0;
        const before = fileSchema.safeParse(parsed(bytes));
        if (!before.success || before.data.bootId !== (await bootId())) return 0;
        const ended = before.data.commands.length === 0 ? 0 : await endAll(before.data.commands);
        await write();
        return ended;
      } catch (error) {
        onError(error);
        return 0;
      }
    },
  };
}

/** Without an fsync: a loss of power ends the commands too. */
async function writeLazily(file: string, content: z.infer<typeof fileSchema>): Promise<void> {
  const temporary = `${file}.new`;
  await ensurePrivateDir(path.dirname(file));
  await writeFile(temporary, JSON.stringify(content), { mode: privateFileMode });
  await rename(temporary, file);
}

async function endAll(commands: readonly Remembered[]): Promise<number> {
  const doomed = new Set<number>();
  for (const { pid, startTicks } of commands) {
    if (startTicks !== null && (await isRunning({ pid, startTicks }))) doomed.add(pid);
  }
  for (const pid of await marked(new Set(commands.map(({ token }) => token)))) doomed.add(pid);
  let ended = 0;
  for (const pid of doomed) ended += kill(pid) ? 1 : 0;
  return ended;
}

async function endMarked(tokens: ReadonlySet<string>): Promise<number> {
  let ended = 0;
  for (const pid of await marked(tokens)) ended += kill(pid) ? 1 : 0;
  return ended;
}

/** Processes with a mark of these in their environment: also those that left their group. */
async function marked(tokens: ReadonlySet<string>): Promise<readonly number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    const environment = await readFile(`/proc/${name}/environ`, "latin1").catch(() => "");
    const mark = environment.split("\0").find((line) => line.startsWith(`${markName}=`));
    if (mark !== undefined && tokens.has(mark.slice(markName.length + 1))) found.push(Number(name));
  }
  return found;
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, "SIGKILL");
    return true;
  } catch (error) {
    if (isErrno(error, "ESRCH", "EPERM")) return false;
    throw error;
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    // Cut off by a crash: what it said is lost, and the next command writes it anew.
    return null;
  }
}

async function bootIdOfLinux(): Promise<string | null> {
  return await readFile("/proc/sys/kernel/random/boot_id", "utf8").then(
    (text) => text.trim(),
    () => null,
  );
}
