/** Who a process is: its id and when it started. An id alone is given to somebody else as soon as its owner is gone. */
import { readFile } from "node:fs/promises";
import { isErrno } from "./atomic-file.ts";

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from boot to its start; null where the system does not tell. */
  readonly startTicks: string | null;
}

export async function processIdentity(pid: number): Promise<ProcessIdentity> {
  return { pid, startTicks: await startTicksOf(pid) };
}

/** Whether this very process still runs, and not another that got its id. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  if (!exists(identity.pid)) return false;
  return identity.startTicks === null || identity.startTicks === (await startTicksOf(identity.pid));
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, and belongs to somebody else.
    return isErrno(error, "EPERM");
  }
}

async function startTicksOf(pid: number): Promise<string | null> {
  try {
    const line = await readFile(`/proc/${pid}/stat`, "latin1");
    // The second field is the program's name in brackets, and may itself hold brackets and spaces.
    return line.slice(line.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch (error) {
    if (isErrno(error, "ENOENT", "ESRCH", "EACCES", "ENOTDIR")) return null;
    throw error;
  }
}
