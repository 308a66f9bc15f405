/** `openclaw prompt`: what every message costs before anybody has said a word. */
import type { Command } from "commander";
import type { promptShow } from "../../protocol/methods/prompt.ts";
import { withConnection } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";

interface ShowOptions extends ConnectOptions {
  readonly agent?: string;
  readonly key?: string;
  readonly tier?: "fast" | "balanced" | "capable";
  readonly text?: boolean;
}

export function register(program: Command, context: CliContext): void {
  const prompt = program.command("prompt").description("Show what the model is told with every message");
  withConnection(prompt.command("show", { isDefault: true }).description("Show sections and tools with their sizes"))
    .option("--agent <id>", "of this agent")
    .option("--key <key>", "as in this session")
    .option("--tier <tier>", "as if the router had chosen fast, balanced or capable")
    .option("--text", "the whole text too")
    .action((options: ShowOptions) => show(options, context));
}

async function show(options: ShowOptions, { connect, output }: CliContext): Promise<void> {
  const client = await connect(options);
  try {
    const report = await client.call<typeof promptShow>("prompt.show", {
      ...(options.agent === undefined ? {} : { agentId: options.agent }),
      ...(options.key === undefined ? {} : { sessionKey: options.key }),
      ...(options.tier === undefined ? {} : { tier: options.tier }),
    });
    output.result(report, ({ sections, tools, totalBytes }) => {
      const rows = [
        ...sections.map(({ name, bytes }) => [name, String(bytes)]),
        ...tools.map(({ name, bytes }) => [`tool ${name}`, String(bytes)]),
        ["total", String(totalBytes)],
      ];
      const table = output.table(["PART", "BYTES"], rows);
      return options.text === true ? `${table}\n\n${sections.map(({ text }) => text).join("\n\n")}` : table;
    });
  } finally {
    client.close();
  }
}
