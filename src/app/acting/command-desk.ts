/** The desk of commands as the house has it: its parser is loaded with the first command and not with the gateway. */
import type { CommandDesk, ExecApprovals } from "../../exec/contract.ts";
import type { CommandDeskDeps, RunningCommandDesk } from "../../exec/desk.ts";

export interface HouseCommandDesk extends CommandDesk {
  readonly approvals: ExecApprovals;
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

async function load(deps: CommandDeskDeps): Promise<RunningCommandDesk> {
  const { createCommandDesk } = await import("../../exec/desk.ts");
  const desk = createCommandDesk(deps);
  await desk.start();
  return desk;
}
