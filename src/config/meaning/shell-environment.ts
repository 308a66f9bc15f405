/**
 * Variables that only the login shell sets. Asked when the configuration says so, for named variables alone,
 * and not longer than it says: a profile that hangs must not hold up the start.
 */
import { run } from "../../platform/subprocess.ts";

export interface ShellRequest {
  readonly shell: string;
  readonly names: readonly string[];
  readonly timeoutMs: number;
  /** What the shell itself runs with. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Throws SYS_004 when it takes too long or says too much, SYS_008 when the shell cannot be run. */
export async function readShellEnvironment(request: ShellRequest): Promise<Record<string, string>> {
  const result = await run([request.shell, "-l", "-c", "env -0"], {
    env: request.variables,
    timeoutMs: request.timeoutMs,
    maxOutputBytes: largestOutputBytes,
  });
  return pick(result.stdout.toString("utf8"), request.names);
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
