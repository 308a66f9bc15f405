/** The commands that run on behalf of agents: ended with the gateway, and looked for after one that was killed. */
import path from "node:path";
import { statePaths } from "../../config/paths.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Ids } from "../../platform/ids.ts";
import type { Log } from "../../platform/log.ts";
import { createLeftovers } from "../../tools/running/leftovers.ts";
import { Processes } from "../../tools/running/processes.ts";

export interface RunningCommands {
  readonly processes: Processes;
  /** Ends what an earlier gateway left behind. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export interface RunningCommandsOptions {
  readonly stateDir: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

export function createRunningCommands({ stateDir, clock, ids, log }: RunningCommandsOptions): RunningCommands {
  const leftovers = createLeftovers({
    file: path.join(path.dirname(statePaths(stateDir).storeFile), "commands.json"),
    onError: (error) => log.warn("what runs could not be written down; after a crash it is not looked for", { error }),
  });
  const processes = new Processes({ clock, ids, leftovers, findSetpriv });
  return {
    processes,
    async start() {
      const ended = await leftovers.sweep();
      if (ended > 0) log.warn("commands were still running that an earlier gateway had started", { ended });
    },
    close: () => processes.close(),
  };
}

async function findSetpriv(): Promise<string | null> {
  if (process.platform !== "linux") return null;
  const { programIn } = await import("../../sandbox/find.ts");
  return await programIn(["/usr/bin", "/bin"], "setpriv");
}
