/** One life of a real gateway: a child process on the drill's folder, found by what it prints, ended by any means. */
import { spawn, type ChildProcess } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { AppError } from "../../domain/app-error.ts";
import type { Clock } from "../../platform/clock.ts";

export interface GatewayChild {
  readonly spawnedMs: number;
  /** Resolves when it listens; null where it ended before. */
  readonly ready: Promise<{ readonly url: string; readonly atMs: number } | null>;
  /** Resolves with the signal or the exit code that ended it. */
  readonly ended: Promise<string | number>;
  readonly isOver: () => boolean;
  signal(name: NodeJS.Signals): void;
  /** Everything it printed so far. */
  output(): string;
}

export interface ChildOptions {
  readonly program: readonly [string, ...string[]];
  readonly path: string;
  readonly stateDir: string;
  /** What the drill plants in it; see `failpoint-plan.ts`. */
  readonly plan: string;
  /** No file may grow beyond this: what a full disk is to a store. Null: as the machine has it. */
  readonly fileSizeKiB: number | null;
  readonly clock: Clock;
}

export function startChild({ program, path: search, stateDir, plan, fileSizeKiB, clock }: ChildOptions): GatewayChild {
  const words = [...program, "gateway", "run", "--port", "0"];
  // The shell's own limit, in blocks of 512 bytes, holds for what it starts in its place.
  const limited = ["sh", "-c", `ulimit -f ${(fileSizeKiB ?? 0) * 2}; exec "$@"`, "sh", ...words];
  const [command = "", ...args] = fileSizeKiB === null ? words : limited;
  const spawnedMs = clock.nowMs();
  const child = spawn(command, args, {
    env: {
      PATH: search,
      HOME: stateDir,
      OPENCLAW_STATE_DIR: stateDir,
      OPENCLAW_DRILL_FAILPOINT: plan,
      // Nothing listens there: whether this machine runs Ollama must not decide a drill.
      OLLAMA_HOST: "http://127.0.0.1:9",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => void printed.push(text));
  }
  const output = (): string => printed.join("");
  let over = false;
  const ended = endOf(child).finally(() => (over = true));
  return {
    spawnedMs,
    ready: readyUrl(child, output, clock),
    ended,
    isOver: () => over,
    signal: (name) => void child.kill(name),
    output,
  };
}

function endOf(child: ChildProcess): Promise<string | number> {
  return new Promise((resolve, reject) => {
    child.once("error", (cause) => reject(new AppError("SYS_008", "The gateway could not be started.", { cause })));
    child.once("close", (code, signal) => resolve(signal ?? code ?? 0));
  });
}

function readyUrl(child: ChildProcess, output: () => string, clock: Clock): GatewayChild["ready"] {
  return new Promise((resolve) => {
    const look = (): void => {
      const link = /https?:\/\/\S+#code=\S+/.exec(output());
      if (link !== null) resolve({ url: new URL(link[0]).origin, atMs: clock.nowMs() });
    };
    child.stdout?.on("data", look);
    child.stderr?.on("data", look);
    child.once("close", () => resolve(null));
  });
}

/** What waits, runs, or is on its way, by the gateway's own figures. Null where it does not answer. */
export async function workLeft(url: string, stateDir: string): Promise<number | null> {
  const figures = await metrics(url, stateDir);
  if (figures === null) return null;
  const waiting = figures.matchAll(
    /^openclaw_(?:inbox_messages|outbox_parts)\{state="(queued|running|prepared|sending|unknown)"\} (\d+)$/gm,
  );
  return [...waiting].reduce((sum, [, , count]) => sum + Number(count), 0);
}

/** Null where it does not answer. */
export async function residentBytes(url: string, stateDir: string): Promise<number | null> {
  const found = /^process_resident_memory_bytes (\d+)/m.exec((await metrics(url, stateDir)) ?? "");
  return found === null ? null : Number(found[1]);
}

/** A gateway that is just going says nothing; whoever asks asks again. */
async function metrics(url: string, stateDir: string): Promise<string | null> {
  try {
    const token = (await readFile(path.join(stateDir, "gateway.token"), "utf8")).trim();
    // oxlint-disable-next-line house/no-raw-fetch -- to the gateway that this drill has started, on this machine
    const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
    return answer.ok ? await answer.text() : null;
  } catch {
    return null;
  }
}
