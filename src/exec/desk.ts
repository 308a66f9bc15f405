/** The desk of commands: judges a line, makes it runnable, and keeps what was allowed for good. Built by `app/compose.ts`. */
import { realpath } from "node:fs/promises";
import type { Clock } from "../platform/clock.ts";
import type { Ids } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";
import type { DocumentStore } from "../store/document-port.ts";
import { approveCommand } from "./approve.ts";
import type { CommandDesk, ExecApprovals } from "./contract.ts";
import type { Variables } from "./environment.ts";
import { GrantBook } from "./grants/grant-book.ts";
import { judge } from "./judge.ts";
import type { OwnFiles } from "./own-files.ts";
import { workspacesOf, type ExecConfig } from "./settings.ts";

export interface CommandDeskDeps {
  readonly documents: DocumentStore;
  readonly config: () => ExecConfig;
  /** `config/environment.ts` reads it; this room never does. */
  readonly hostEnvironment: () => Variables;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly stateDir: string;
  /** Of the configuration, where it is not in the state directory. */
  readonly configPath?: string;
  readonly gatewayPid?: number;
}

export interface RunningCommandDesk extends CommandDesk {
  readonly approvals: ExecApprovals;
  /** Reads what was allowed for good, and takes over the file of another home. A bad file is a warning, no failure. */
  start(): Promise<void>;
  /** Writes last uses that are still in memory. */
  close(): Promise<void>;
}

export function createCommandDesk(deps: CommandDeskDeps): RunningCommandDesk {
  const grants = new GrantBook({ ...deps, homeDir: deps.hostEnvironment()["HOME"] });
  const gatewayPid = deps.gatewayPid ?? process.pid;
  const { config, hostEnvironment } = deps;
  return {
    judge: async (facts) =>
      judge(facts, { grants, config, hostEnvironment, gatewayPid, ...(await placesOf(deps, facts.workspace)) }),
    approve: async (command) => approveCommand(command, { gatewayPid, ...(await placesOf(deps)) }),
    grant: async (agentId, proposal, context) => {
      await grants.add(agentId, proposal, context);
    },
    used: (agentId, command) => {
      grants.used(agentId, command).catch((error: unknown) => {
        deps.log.warn("the use of what is allowed for good could not be noted", { error });
      });
    },
    approvals: {
      get: () => grants.snapshot(),
      set: (file, baseHash) => grants.replace(file, baseHash),
      export: () => grants.export(),
    },
    start: async () => {
      await grants.read();
    },
    close: () => grants.flush(),
  };
}

/** As they are named and as they really are: a line may name either. */
async function placesOf({ stateDir, configPath, config }: CommandDeskDeps, workspace?: string): Promise<OwnFiles> {
  const [ownPaths, workspaces] = await Promise.all([
    bothOf(configPath === undefined ? [stateDir] : [stateDir, configPath]),
    bothOf([...workspacesOf(config()), ...(workspace === undefined ? [] : [workspace])]),
  ]);
  return { ownPaths, workspaces };
}

async function bothOf(named: readonly string[]): Promise<readonly string[]> {
  const real = await Promise.all(named.map((place) => realpath(place).catch(() => place)));
  return [...new Set([...named, ...real])];
}
