/** Runs programs for tests: to their end, or until they say something. Owns their end: nothing is left running. */
import { spawn, type ChildProcess } from "node:child_process";
import { onTestFinished } from "vitest";

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** The first match in what was printed so far or will be. Rejects when the program ends without it. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<Ended>;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export function start(command: string, args: readonly string[], options: RunOptions = {}): Running {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const printed = { stdout: "", stderr: "" };
  const listeners = new Set<() => void>();
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      printed[stream] += text;
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, ...printed }));
  });
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await ended.catch(() => undefined);
  });
  return {
    child,
    ended,
    waitFor: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(printed.stdout) ?? pattern.exec(printed.stderr);
          if (match !== null) resolve(match);
        };
        listeners.add(look);
        look();
        void ended.then(
          () => reject(new Error(`ended without ${pattern}: ${printed.stdout}${printed.stderr}`)),
          (error: unknown) => reject(error),
        );
      }),
  };
}

export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return start(command, args, options).ended;
}
