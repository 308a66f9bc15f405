/** `openclaw pause`: the switch that stops every call of a model at once. */
import type { Command } from "commander";
import { AppError } from "../../domain/app-error.ts";
import type { budgetPause } from "../../protocol/methods/budget.ts";
import { withConnection, withGateway } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";

interface PauseOptions extends ConnectOptions {
  readonly agent?: string;
  readonly all?: boolean;
  readonly reason?: string;
}

export function register(program: Command, context: CliContext): void {
  withConnection(program.command("pause").description("Call no model from now on; messages are kept"))
    .option("--agent <id>", "one agent alone")
    .option("--all", "every agent, which is meant without --agent too")
    .option("--reason <text>", "why; chats are told")
    .action((options: PauseOptions) => pause(options, context));
}

/** Without a word about it every agent is meant. */
export function whichAgent({ agent, all }: PauseOptions): { agentId?: string } {
  if (agent !== undefined && all === true) throw new AppError("SYS_003", "Give --agent or --all, not both.");
  return agent === undefined ? {} : { agentId: agent };
}

async function pause(options: PauseOptions, context: CliContext): Promise<void> {
  const { reason } = options;
  const params = { ...whichAgent(options), ...(reason === undefined ? {} : { reason }) };
  await withGateway(options, context, async (client) => {
    const paused = await client.call<typeof budgetPause>("budget.pause", params);
    context.output.result(paused, () => `paused: ${options.agent ?? "all agents"}; go on with openclaw resume`);
  });
}
