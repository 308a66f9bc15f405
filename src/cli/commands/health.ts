/** `openclaw health`: one line, and an exit code that a supervisor can use. */
import type { Command } from "commander";
import type { health } from "../../protocol/methods/health.ts";
import { withConnection } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";

export function register(program: Command, context: CliContext): void {
  withConnection(program.command("health").description("Show whether the gateway is healthy"))
    .option("--probe", "look anew instead of answering from the last look")
    .action(async (options: ConnectOptions & { probe?: boolean }) => {
      const client = await context.connect(options);
      try {
        const state = await client.call<typeof health>("health", options.probe === true ? { probe: true } : {});
        context.output.result(state, (value) => {
          const labels = value.channelOrder.map((id) => value.channelLabels[id] ?? id);
          return `healthy (channels: ${labels.length === 0 ? "none" : labels.join(", ")})`;
        });
      } finally {
        client.close();
      }
    });
}
