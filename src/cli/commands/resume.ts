/** `openclaw resume`: the end of a pause. */
import type { Command } from "commander";
import type { budgetResume } from "../../protocol/methods/budget.ts";
import { withConnection, withGateway } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import { whichAgent } from "./pause.ts";

interface ResumeOptions extends ConnectOptions {
  readonly agent?: string;
  readonly all?: boolean;
}

export function register(program: Command, context: CliContext): void {
  withConnection(program.command("resume").description("Go on after a pause; messages that waited are answered"))
    .option("--agent <id>", "the pause of one agent alone")
    .option("--all", "every pause, which is meant without --agent too")
    .action((options: ResumeOptions) => resume(options, context));
}

async function resume(options: ResumeOptions, context: CliContext): Promise<void> {
  const which = whichAgent(options);
  await withGateway(options, context, async (client) => {
    const resumed = await client.call<typeof budgetResume>("budget.resume", which);
    context.output.result(resumed, ({ lifted, replayed }) =>
      lifted === 0 ? "nothing was paused" : `goes on; ${replayed} waiting messages are answered`,
    );
  });
}
