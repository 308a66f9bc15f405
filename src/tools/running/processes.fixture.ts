/** A registry of running commands and what the exec tool needs besides, for tests. */
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ApprovedCommand } from "../../domain/authority.ts";
import { mintApprovedCommand } from "../../domain/authority-mint.ts";
import { systemClock, type Clock } from "../../platform/clock.ts";
import { systemIds } from "../../platform/ids.ts";
import type { BoxChoice, SandboxDesk } from "../../sandbox/contract.ts";
import { createLeftovers } from "./leftovers.ts";
import { Processes } from "./processes.ts";

export interface CommandBench {
  readonly folder: string;
  readonly workspace: string;
  readonly processes: Processes;
  readonly clock: Clock;
  close(): Promise<void>;
}

export async function commandBench(options: { readonly clock?: Clock } = {}): Promise<CommandBench> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), "openclaw-exec-")));
  const clock = options.clock ?? systemClock();
  const leftovers = createLeftovers({
    file: path.join(folder, "commands.json"),
    onError: (error) => {
      throw error;
    },
  });
  const findSetpriv = (): Promise<string | null> =>
    Promise.resolve(process.platform === "linux" ? "/usr/bin/setpriv" : null);
  const processes = new Processes({ clock, ids: systemIds(), leftovers, findSetpriv });
  return {
    folder,
    workspace: path.join(folder, "workspace"),
    processes,
    clock,
    async close() {
      await processes.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const deskThatSays = (choice: BoxChoice): SandboxDesk => ({
  choose: () => Promise.resolve(choice),
});

/** A shell's line as it is approved. */
export function approvedLine(line: string, cwd: string, env: Readonly<Record<string, string>> = {}): ApprovedCommand {
  return mintApprovedCommand({
    argv: ["/bin/sh", "-c", line],
    cwd,
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", ...env },
  });
}
