/** The options of every command that talks to the gateway. */
import type { Command } from "commander";

export function withConnection(command: Command): Command {
  return command
    .option("--url <address>", "address of the gateway, e.g. ws://127.0.0.1:18789")
    .option("--token <token>", "token of the gateway")
    .option("--timeout <ms>", "how long to wait for an answer, in milliseconds");
}
