/** The options of every command that talks to the gateway, and the talk itself: connected, and closed whatever happens. */
import type { Command } from "commander";
import type { CliContext, ConnectOptions } from "./contract.ts";
import type { GatewayClient } from "./gateway-client.ts";

export function withConnection(command: Command): Command {
  return command
    .option("--url <address>", "address of the gateway, e.g. ws://127.0.0.1:18789")
    .option("--token <token>", "token of the gateway")
    .option("--timeout <ms>", "how long to wait for an answer, in milliseconds");
}

export async function withGateway(
  options: ConnectOptions,
  context: CliContext,
  work: (client: GatewayClient) => Promise<void>,
): Promise<void> {
  const client = await context.connect(options);
  try {
    await work(client);
  } finally {
    client.close();
  }
}
