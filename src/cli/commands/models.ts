/** `openclaw models`: which models can be used, what they cost, and the logins at their providers. */
import type { Command } from "commander";
import type { modelsList } from "../../protocol/methods/agent.ts";
import { withConnection } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import { registerAuth } from "./models-auth.ts";

export function register(program: Command, context: CliContext): void {
  const models = program
    .command("models")
    .description("List the models that can be used, and keep logins at their providers");
  withConnection(models.command("list", { isDefault: true }).description("List the models that can be used")).action(
    (options: ConnectOptions) => listModels(options, context),
  );
  registerAuth(models, context);
}

async function listModels(options: ConnectOptions, context: CliContext): Promise<void> {
  const client = await context.connect(options);
  try {
    const { models } = await client.call<typeof modelsList>("models.list", {});
    context.output.result({ models }, () =>
      context.output.table(
        ["MODEL", "WINDOW", "USD PER MILLION IN / OUT", ""],
        models.map((model) => [
          `${model.provider}/${model.id}`,
          model.contextWindow === undefined ? "unknown" : `${Math.round(model.contextWindow / 1_000)}k`,
          model.cost === null ? "unknown" : `${model.cost.input} / ${model.cost.output}`,
          model.available ? "" : "no key",
        ]),
      ),
    );
  } finally {
    client.close();
  }
}
