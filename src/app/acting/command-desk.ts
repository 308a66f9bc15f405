/** The desk of commands as the house has it: its parser is loaded with the first command and not with the gateway. */
import { access } from "node:fs/promises";
import path from "node:path";
import { AppError } from "../../domain/app-error.ts";
import type { CommandDesk, ExecApprovals } from "../../exec/contract.ts";
import type { CommandDeskDeps, RunningCommandDesk } from "../../exec/desk.ts";
import { approvalsFile } from "../../exec/grants/file-place.ts";

export interface HouseCommandDesk extends CommandDesk {
  readonly approvals: ExecApprovals;
  /** Beside the start: a file of another home that is not taken over yet is read, so that a broken one is said at once. */
  start(): void;
  /** Judges by the same list under another configuration; what is allowed for good stays what it is. */
  under(config: CommandDeskDeps["config"]): Pick<CommandDesk, "judge">;
  /** Writes what is still in memory; nothing where no command was ever looked at. */
  close(): Promise<void>;
}

export function openCommandDesk(deps: CommandDeskDeps): HouseCommandDesk {
  let loading: Promise<RunningCommandDesk> | undefined;
  const desk = (): Promise<RunningCommandDesk> => {
    loading ??= load(deps).catch((error: unknown) => {
      // The next command tries again.
      loading = undefined;
      throw error;
    });
    return loading;
  };
  return {
    start() {
      isWaiting(deps)
        .then((waits) => (waits ? desk() : null))
        .catch((thrown: unknown) =>
          deps.log.warn("the list of commands is not open yet", { error: AppError.from(thrown).toJSON() }),
        );
    },
    judge: async (facts) => (await desk()).judge(facts),
    approve: async (command) => (await desk()).approve(command),
    grant: async (agentId, proposal, context) => (await desk()).grant(agentId, proposal, context),
    used(agentId, command) {
      // Whoever used a grant has had a command judged, so the desk is there.
      loading?.then(
        (open) => open.used(agentId, command),
        () => undefined,
      );
    },
    approvals: {
      get: async () => (await desk()).approvals.get(),
      set: async (file, baseHash) => (await desk()).approvals.set(file, baseHash),
      export: async () => (await desk()).approvals.export(),
    },
    under: (config) => ({
      async judge(facts) {
        await desk();
        const { createCommandDesk } = await import("../../exec/desk.ts");
        return createCommandDesk({ ...deps, config }).judge(facts);
      },
    }),
    async close() {
      const open = await loading?.catch(() => undefined);
      await open?.close();
    },
  };
}

async function isWaiting({ documents, stateDir }: CommandDeskDeps): Promise<boolean> {
  const isThere = await access(path.join(stateDir, approvalsFile.name)).then(
    () => true,
    () => false,
  );
  return isThere && (await documents.get(approvalsFile.namespace, approvalsFile.key)) === undefined;
}

async function load(deps: CommandDeskDeps): Promise<RunningCommandDesk> {
  const { createCommandDesk } = await import("../../exec/desk.ts");
  const desk = createCommandDesk(deps);
  await desk.start();
  return desk;
}
