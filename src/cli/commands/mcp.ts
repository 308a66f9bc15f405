/** `openclaw mcp`: the MCP servers that agents may use, how they stand and what they bring. */
import type { Command } from "commander";
import type { ResultOf } from "../../protocol/method.ts";
import type { mcpStatus } from "../../protocol/methods/mcp.ts";
import { withConnection, withGateway } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import type { Output } from "../output.ts";

export function register(program: Command, context: CliContext): void {
  const mcp = program.command("mcp").description("Show the MCP servers that agents may use");
  withConnection(mcp.command("status", { isDefault: true }).description("Show how each server stands")).action(
    (options: ConnectOptions) => show(options, context, statusText),
  );
  withConnection(mcp.command("list").description("Show the tools of each server, as rules name them")).action(
    (options: ConnectOptions) => show(options, context, toolsText),
  );
}

type Seen = ResultOf<typeof mcpStatus>;

async function show(
  options: ConnectOptions,
  context: CliContext,
  text: (seen: Seen, output: Output) => string,
): Promise<void> {
  await withGateway(options, context, async (client) => {
    const seen = await client.call<typeof mcpStatus>("mcp.status", {});
    context.output.result(seen, (result) =>
      result.servers.length === 0 ? "no MCP servers are configured (mcp.servers)" : text(result, context.output),
    );
  });
}

function statusText({ servers }: Seen, output: Output): string {
  const rows = servers.map(({ name, state, tools, trouble }) => [name, state, String(tools.length), trouble ?? ""]);
  return output.table(["SERVER", "STATE", "TOOLS", "TROUBLE"], rows);
}

function toolsText({ servers }: Seen, output: Output): string {
  const rows = servers.flatMap(({ name, state, tools }) =>
    tools.length === 0
      ? [[name, state === "disabled" ? "disabled" : "not known before an agent wants them"]]
      : tools.map((tool) => [name, tool]),
  );
  return output.table(["SERVER", "TOOL"], rows);
}
