/** `openclaw sandbox`: what the commands of agents run in, and whether that works on this machine. */
import type { Command } from "commander";
import type { ResultOf } from "../../protocol/method.ts";
import type { sandboxStatus } from "../../protocol/methods/sandbox.ts";
import { withConnection, withGateway } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import type { Output } from "../output.ts";
import { sandboxSentence } from "../sandbox-sentence.ts";

export function register(program: Command, context: CliContext): void {
  const sandbox = program.command("sandbox").description("Show what the commands of agents run in");
  withConnection(
    sandbox.command("status", { isDefault: true }).description("Show each agent's sandbox, and whether it works here"),
  ).action((options: ConnectOptions) => status(options, context));
}

async function status(options: ConnectOptions, context: CliContext): Promise<void> {
  await withGateway(options, context, async (client) => {
    const seen = await client.call<typeof sandboxStatus>("sandbox.status", {});
    context.output.result(seen, (result) => statusText(result, context.output));
  });
}

function statusText({ agents }: ResultOf<typeof sandboxStatus>, output: Output): string {
  const rows = agents.map((agent) => [
    agent.agentId,
    agent.mode,
    agent.sandbox.found ? agent.sandbox.version : "none",
    agent.workspaceAccess,
    agent.network ? "yes" : "no",
    `${agent.memoryMb} MiB`,
  ]);
  const sentences = agents.map((agent) => `${agent.agentId}: ${sandboxSentence(agent).text}`);
  return [
    output.table(["AGENT", "SESSIONS", "SANDBOX", "WORKSPACE", "NETWORK", "MEMORY"], rows),
    ...new Set(sentences),
  ].join("\n\n");
}
