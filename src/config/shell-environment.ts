/**
 * Variables that only the login shell sets. Asked when the configuration says so, for named variables alone,
 * and not longer than it says: a profile that hangs must not hold up the start.
 */
import { spawn } from "node:child_process";
import { AppError } from "../domain/app-error.ts";
import type { Clock } from "../platform/clock.ts";

export interface ShellRequest {
  readonly shell: string;
  readonly names: readonly string[];
  readonly timeoutMs: number;
  /** What the shell itself runs with. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Throws SYS_004 when it takes too long or says too much, SYS_001 when the shell cannot be run. */
export function readShellEnvironment(request: ShellRequest, clock: Clock): Promise<Record<string, string>> {
  const { promise, resolve, reject } = Promise.withResolvers<Record<string, string>>();
  // A group of its own, so that whatever the profile starts ends with it.
  const child = spawn(request.shell, ["-l", "-c", "env -0"], {
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
    env: { ...request.variables },
  });
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  let exited = false;
  let settled = false;
  const end = (error: AppError | null): void => {
    if (settled) return;
    settled = true;
    timer.cancel();
    if (!exited) killGroup(child.pid);
    child.stdout.destroy();
    if (error === null) resolve(pick(Buffer.concat(chunks).toString("utf8"), request.names));
    else reject(error);
  };
  const timer = clock.after(request.timeoutMs, () => {
    // The shell is done and only something it left behind keeps the pipe open: what it printed is complete.
    end(exited ? null : new AppError("SYS_004", `The login shell did not answer within ${request.timeoutMs} ms.`));
  });
  child.stdout.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    sizeBytes += chunk.length;
    if (sizeBytes > largestOutputBytes) end(new AppError("SYS_004", "The login shell printed too much."));
  });
  child.once("error", (error) => end(new AppError("SYS_001", "The login shell could not be run.", { cause: error })));
  child.once("exit", () => {
    killGroup(child.pid);
    exited = true;
  });
  child.stdout.once("end", () => end(null));
  return promise;
}

const largestOutputBytes = 1024 * 1024;

/** Profiles print greetings; only whole `NAME=value` entries of the names asked for are taken. */
function pick(output: string, names: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of output.split("\0")) {
    const line = entry.slice(entry.lastIndexOf("\n", entry.indexOf("=")) + 1);
    const equals = line.indexOf("=");
    const name = line.slice(0, equals);
    if (equals > 0 && names.includes(name) && line.length > equals + 1) found[name] = line.slice(equals + 1);
  }
  return found;
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw AppError.from(error);
  }
}
